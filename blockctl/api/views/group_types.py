# SPDX-License-Identifier: Apache-2.0
"""How group types are shown. ``seen.related`` is operations.group_types.Shown."""

from blockctl.api.versioned import ABSENT
from blockctl.api.versioned import Field
from blockctl.api.versioned import View


def _specs(group_type_id, seen):
    return ABSENT if seen.related.specs is None else seen.related.specs[group_type_id]


DETAIL = View(
    'group_type', 'group_types',
    Field('id'), Field('name'), Field('description'), Field('is_public'),
    Field('group_specs', _specs, of='id', optional=True), links_key='group_type_links')

# SPDX-License-Identifier: Apache-2.0
"""How volume types are shown. ``seen.related`` is operations.volume_types.Shown."""

from blockctl.api.versioned import ABSENT
from blockctl.api.versioned import Field
from blockctl.api.versioned import View


def _specs(volume_type_id, seen):
    return seen.related.specs[volume_type_id] if seen.related.see_specs else ABSENT


def _qos(qos_specs_id, seen):
    return qos_specs_id if seen.related.see_qos else ABSENT


def _access(is_public, seen):
    return is_public if seen.related.see_access else ABSENT


#: What changing a type answers.
CHANGED = View(
    'volume_type', 'volume_types',
    Field('id'), Field('name'), Field('is_public'), Field('description'),
    Field('extra_specs', _specs, of='id', optional=True))

#: What creating a type answers.
CREATED = View(
    'volume_type', 'volume_types', *CHANGED.fields,
    Field('os-volume-type-access:is_public', _access, of='is_public', optional=True))

#: The default type: without the access, as in the reference.
DEFAULT = View(
    'volume_type', 'volume_types', *CHANGED.fields, Field('qos_specs_id', _qos, of='qos_specs_id', optional=True))

DETAIL = View(
    'volume_type', 'volume_types', *DEFAULT.fields,
    Field('os-volume-type-access:is_public', _access, of='is_public', optional=True), links_key='volume_type_links')

# SPDX-License-Identifier: Apache-2.0
"""How QoS specs are shown. ``seen.related`` is operations.qos_specs.Shown."""

from blockctl.api.versioned import Field
from blockctl.api.versioned import View
from blockctl.api.versioned import links


def _specs(qos_specs_id, seen):
    return seen.related.specs[qos_specs_id]


DETAIL = View(
    'qos_specs', 'qos_specs',
    Field('id'), Field('name'), Field('consumer'), Field('specs', _specs, of='id'),
    beside=View('links', 'links', links('links', 'qos-specs')))

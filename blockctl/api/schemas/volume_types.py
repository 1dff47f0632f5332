# SPDX-License-Identifier: Apache-2.0
"""Requests about volume types."""

from blockctl.api import parameter_types as t
from blockctl.api.versioned import Body
from blockctl.api.versioned import Param

CREATE = Body(
    'volume_type',
    Param('name', t.NAME_REQUIRED, required=True),
    Param('description', t.DESCRIPTION),
    Param('os-volume-type-access:is_public', t.BOOLEAN),
    Param('extra_specs', t.EXTRA_SPECS),
    closed_since='3.0')

UPDATE = Body(
    'volume_type',
    Param('name', {**t.NAME_REQUIRED, 'type': ['string', 'null']}),
    Param('description', t.DESCRIPTION),
    Param('is_public', t.BOOLEAN),
    closed_since='3.0')

# SPDX-License-Identifier: Apache-2.0
"""Requests about group types."""

from blockctl.api import parameter_types as t
from blockctl.api.versioned import Body
from blockctl.api.versioned import Param

CREATE = Body(
    'group_type',
    Param('name', t.NAME_REQUIRED, required=True),
    Param('description', t.DESCRIPTION),
    Param('is_public', t.BOOLEAN),
    Param('group_specs', t.or_null(t.EXTRA_SPECS)),
    closed_since='3.0')

UPDATE = Body(
    'group_type',
    Param('name', {**t.NAME_REQUIRED, 'type': ['string', 'null']}),
    Param('description', t.DESCRIPTION),
    Param('is_public', t.BOOLEAN),
    closed_since='3.0')

# SPDX-License-Identifier: Apache-2.0
"""Requests about snapshots."""

from blockctl.api import parameter_types as t
from blockctl.api.versioned import Body
from blockctl.api.versioned import Param

_DESCRIBED = (
    Param('name', t.NAME),
    Param('display_name', t.NAME),  # what older clients call the two
    Param('description', t.DESCRIPTION),
    Param('display_description', t.DESCRIPTION))

CREATE = Body(
    'snapshot',
    Param('volume_id', t.UUID_OR_NULL, required=True),
    *_DESCRIBED,
    Param('metadata', t.METADATA_OR_NULL),
    Param('force', t.BOOLEAN),
    closed_since='3.0')

UPDATE = Body('snapshot', *_DESCRIBED, closed_since='3.0', at_least_one_since='3.0')

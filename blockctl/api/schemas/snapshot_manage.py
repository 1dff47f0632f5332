# SPDX-License-Identifier: Apache-2.0
"""Requests to make a snapshot of what is on a backend."""

from blockctl.api import parameter_types as t
from blockctl.api.schemas import volume_manage
from blockctl.api.versioned import Body
from blockctl.api.versioned import Param

MANAGE = Body(
    'snapshot',
    Param('ref', volume_manage.REFERENCE, required=True),
    Param('volume_id', t.UUID, required=True),
    Param('name', t.NAME),
    Param('description', t.DESCRIPTION),
    Param('metadata', t.METADATA_OR_NULL),
    closed_since='3.0')

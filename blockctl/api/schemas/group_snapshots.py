# SPDX-License-Identifier: Apache-2.0
"""Requests about group snapshots."""

from blockctl.api import parameter_types as t
from blockctl.api.versioned import Body
from blockctl.api.versioned import Param

CREATE = Body(
    'group_snapshot',
    Param('group_id', t.UUID, required=True),
    Param('name', t.NAME),
    Param('description', t.DESCRIPTION),
    closed_since='3.0')

RESET_STATUS = Body('reset_status', Param('status', t.text(255, 1), required=True), closed_since='3.0')

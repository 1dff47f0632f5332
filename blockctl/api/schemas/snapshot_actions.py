# SPDX-License-Identifier: Apache-2.0
"""What is asked of a snapshot by POST .../action: one body for each key that has one."""

from blockctl.api import parameter_types as t
from blockctl.api.versioned import Body
from blockctl.api.versioned import Param

_STATUS = Param('status', t.text(36), required=True)

RESET_STATUS = Body('os-reset_status', _STATUS, closed_since='3.0')

UPDATE_STATUS = Body('os-update_snapshot_status', _STATUS, Param('progress', t.PERCENTAGE_OR_NULL), closed_since='3.0')

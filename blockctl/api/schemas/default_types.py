# SPDX-License-Identifier: Apache-2.0
"""Requests about default types of projects."""

from blockctl.api import parameter_types as t
from blockctl.api.versioned import Body
from blockctl.api.versioned import Param

UPDATE = Body('default_type', Param('volume_type', t.text(255, minimum=1), required=True), closed_since='3.62')

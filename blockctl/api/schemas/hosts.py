# SPDX-License-Identifier: Apache-2.0
"""Requests about hosts."""

from blockctl.api.versioned import Body
from blockctl.api.versioned import Param

UPDATE = Body(None, Param('status', {'enum': ['enable', 'disable']}, required=True))

# SPDX-License-Identifier: Apache-2.0
"""Requests about clusters."""

from blockctl.api import parameter_types as t
from blockctl.api.versioned import Body
from blockctl.api.versioned import Param

_WHICH = (Param('name', t.HOST, required=True), Param('binary', t.HOST_OR_NULL))

ENABLE = Body(None, *_WHICH, closed_since='3.0')

DISABLE = Body(None, *_WHICH, Param('disabled_reason', t.text_or_null(255)), closed_since='3.0')

# SPDX-License-Identifier: Apache-2.0
"""Requests about services: which one, by its host and binary (or ``service``, as older clients call that)."""

from blockctl.api import parameter_types as t
from blockctl.api.versioned import Body
from blockctl.api.versioned import Param

_WHICH = (Param('host', t.HOST_OR_NULL), Param('binary', t.HOST_OR_NULL), Param('service', t.HOST_OR_NULL))

ENABLE = DISABLE = Body(None, *_WHICH, closed_since='3.0')

DISABLE_LOG_REASON = Body(None, *_WHICH, Param('disabled_reason', t.NAME_REQUIRED), closed_since='3.0')

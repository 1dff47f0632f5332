# SPDX-License-Identifier: Apache-2.0
"""Requests about services: which one, by its host and binary (or ``service``, as older clients call that)."""

from blockctl.api import parameter_types as t
from blockctl.api.versioned import Body
from blockctl.api.versioned import Param

_WHICH = (Param('host', t.HOST_OR_NULL), Param('binary', t.HOST_OR_NULL), Param('service', t.HOST_OR_NULL))

ENABLE = DISABLE = Body(None, *_WHICH, closed_since='3.0')

DISABLE_LOG_REASON = Body(None, *_WHICH, Param('disabled_reason', t.NAME_REQUIRED), closed_since='3.0')

# --- backends
#: ``cluster`` is not heard before 3.26.
_BACKEND = (Param('host', t.HOST_OR_NULL), Param('cluster', t.HOST_OR_NULL))

FREEZE = THAW = Body(None, *_BACKEND, closed_since='3.0')

FAILOVER = Body(None, *_BACKEND, Param('backend_id', t.text_or_null(255, 1)), closed_since='3.0')

# --- log levels
_LOGGERS = (Param('binary', {'enum': ['cinder-api', 'cinder-scheduler', 'cinder-volume', 'cinder-backup', '', '*']}),
            Param('server', t.or_null(t.text(255))), Param('prefix', t.text_or_null(255)))

GET_LOG = Body(None, *_LOGGERS, closed_since='3.0')

SET_LOG = Body(None, *_LOGGERS, Param('level', {
    'type': 'string', 'pattern': r'^(?i:debug|info|warning|error)(?![\s\S])',
    'x-reason': 'It must be one of DEBUG, INFO, WARNING and ERROR.'}, required=True), closed_since='3.0')

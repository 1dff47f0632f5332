# SPDX-License-Identifier: Apache-2.0
"""Requests about interrupted work."""

from blockctl.api import parameter_types as t
from blockctl.api.versioned import Body
from blockctl.api.versioned import Param

CLEANUP = Body(
    None,
    Param('cluster_name', t.HOST_OR_NULL),
    Param('host', t.HOST_OR_NULL),
    Param('binary', {'enum': ['cinder-volume', 'cinder-scheduler', None]}),
    Param('is_up', t.or_null(t.BOOLEAN)),
    Param('disabled', t.or_null(t.BOOLEAN)),
    Param('resource_id', t.UUID_OR_NULL),
    Param('resource_type', t.text_or_null(36)),
    # A number in the reference, where services have such ids; here none has.
    Param('service_id', {'anyOf': [t.UUID, {'type': 'integer', 'minimum': 0},
                                   {'type': 'string', 'pattern': r'^[0-9]{1,18}(?![\s\S])'}, {'type': 'null'}],
                         'x-reason': 'It must be the id of a service.'}),
    closed_since='3.0')

# SPDX-License-Identifier: Apache-2.0
"""Bodies of requests about attachments, and what a connector is."""

from blockctl.api import parameter_types as t
from blockctl.api.versioned import Body
from blockctl.api.versioned import Param

MODE = {'enum': ['rw', 'ro'], 'x-reason': 'It must be rw or ro.'}

#: The host of a server, as os-brick describes it; what is not named here is kept as it is.
CONNECTOR = {
    'type': 'object',
    'properties': {
        'host': t.text(255, 1),
        **dict.fromkeys(('ip', 'mountpoint'), t.text_or_null(255)),
        **dict.fromkeys(('initiator', 'nqn'), t.HOST_NAME_OR_NULL),
        **dict.fromkeys(('multipath', 'enforce_multipath'), t.or_null(t.BOOLEAN)),
        'mode': MODE}}

#: The same, of whom it is known that there is one.
HOST = {**CONNECTOR, 'required': ['host']}

CREATE = Body(
    'attachment',
    Param('volume_uuid', t.UUID, required=True),
    Param('instance_uuid', t.UUID),
    # Null and {} are no host.
    Param('connector', t.or_null({'anyOf': [HOST, {'type': 'object', 'maxProperties': 0}]})),
    Param('mode', MODE, since='3.54'),
    closed_since='3.0')

UPDATE = Body('attachment', Param('connector', {**HOST, 'minProperties': 1}, required=True), closed_since='3.0')

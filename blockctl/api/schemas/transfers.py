# SPDX-License-Identifier: Apache-2.0
"""Requests about transfers."""

from blockctl.api import parameter_types as t
from blockctl.api.versioned import Body
from blockctl.api.versioned import Param

CREATE = Body(
    'transfer',
    Param('volume_id', t.UUID, required=True),
    Param('name', t.NAME),
    Param('no_snapshots', t.BOOLEAN, since='3.55'),
    closed_since='3.0')

#: Clients send keys that are all digits as numbers.
ACCEPT = Body('accept', Param('auth_key', {'type': ['string', 'integer']}, required=True), closed_since='3.0')

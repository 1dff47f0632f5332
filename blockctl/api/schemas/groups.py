# SPDX-License-Identifier: Apache-2.0
"""Requests about groups."""

from blockctl.api import parameter_types as t
from blockctl.api.versioned import Body
from blockctl.api.versioned import Param

#: Ids of volumes, separated by commas.
_VOLUMES = t.text_or_null(65535)

CREATE = Body(
    'group',
    Param('name', t.NAME),
    Param('description', t.DESCRIPTION),
    Param('group_type', t.text(255, 1), required=True),
    Param('volume_types', {'type': 'array', 'items': t.text(255, 1), 'minItems': 1, 'maxItems': 100,
                           'uniqueItems': True}, required=True),
    Param('availability_zone', t.text_or_null(255, 1)),
    closed_since='3.0')

UPDATE = Body(
    'group',
    Param('name', t.NAME),
    Param('description', t.DESCRIPTION),
    Param('add_volumes', _VOLUMES),
    Param('remove_volumes', _VOLUMES),
    closed_since='3.0', at_least_one_since='3.0')

# --- actions
CREATE_FROM_SRC = Body(
    'create-from-src',
    Param('name', t.NAME),
    Param('description', t.DESCRIPTION),
    Param('group_snapshot_id', t.UUID),
    Param('source_group_id', t.UUID),
    closed_since='3.0')

DELETE = Body('delete', Param('delete-volumes', t.BOOLEAN), closed_since='3.0')

RESET_STATUS = Body('reset_status', Param('status', t.text(255, 1), required=True), closed_since='3.0')

ENABLE_REPLICATION = Body('enable_replication', closed_since='3.0')

DISABLE_REPLICATION = Body('disable_replication', closed_since='3.0')

FAILOVER_REPLICATION = Body(
    'failover_replication',
    Param('allow_attached_volume', t.BOOLEAN),
    Param('secondary_backend_id', t.text_or_null(255)),
    closed_since='3.0')

LIST_REPLICATION_TARGETS = Body('list_replication_targets', closed_since='3.0')

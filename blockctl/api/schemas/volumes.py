# SPDX-License-Identifier: Apache-2.0
"""Requests about volumes."""

from blockctl.api import parameter_types as t
from blockctl.api.versioned import Body
from blockctl.api.versioned import Param

_HINTS = {'type': ['object', 'null'], 'properties': {
    name: t.or_null({'anyOf': [t.UUID, {'type': 'array', 'items': t.UUID, 'maxItems': 100}]})
    for name in ('same_host', 'different_host')} | {
    'local_to_instance': t.UUID_OR_NULL, 'query': {'type': ['string', 'object', 'null']}}}

CREATE = Body(
    'volume',
    Param('size', t.SIZE_OR_NULL),
    Param('name', t.NAME),
    Param('display_name', t.NAME),  # what older clients call the two
    Param('description', t.DESCRIPTION),
    Param('display_description', t.DESCRIPTION),
    Param('volume_type', t.text_or_null(255)),
    Param('availability_zone', t.text_or_null(255, 1)),
    Param('metadata', t.METADATA_OR_NULL),
    Param('snapshot_id', t.UUID_OR_NULL),
    Param('source_volid', t.UUID_OR_NULL),
    Param('imageRef', t.text_or_null(255)),
    Param('image_id', t.text_or_null(255)),
    Param('consistencygroup_id', t.UUID_OR_NULL),
    Param('group_id', t.text_or_null(36), since='3.13'),
    Param('backup_id', t.UUID_OR_NULL, since='3.47'),
    Param('multiattach', t.or_null(t.BOOLEAN)),
    Param('scheduler_hints', _HINTS, until='3.52'),
    Param('OS-SCH-HNT:scheduler_hints', _HINTS, until='3.52'),
    top=(Param('OS-SCH-HNT:scheduler_hints', _HINTS),),
    closed_since='3.53')

UPDATE = Body(
    'volume',
    Param('name', t.NAME),
    Param('display_name', t.NAME),
    Param('description', t.DESCRIPTION),
    Param('display_description', t.DESCRIPTION),
    Param('metadata', t.METADATA),
    closed_since='3.0', at_least_one_since='3.53')

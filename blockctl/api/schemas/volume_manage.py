# SPDX-License-Identifier: Apache-2.0
"""Requests to make a volume of what is on a backend."""

from blockctl.api import parameter_types as t
from blockctl.api.versioned import Body
from blockctl.api.versioned import Param

#: How a backend knows what is meant; every driver of ours by its name there.
REFERENCE = {'type': 'object', 'properties': {'source-name': t.text(255, 1)}, 'required': ['source-name']}

MANAGE = Body(
    'volume',
    Param('ref', REFERENCE, required=True),
    Param('host', t.HOST, required=True, until='3.15'),
    Param('host', t.HOST_OR_NULL, since='3.16'),
    Param('cluster', t.HOST_OR_NULL, since='3.16'),
    Param('name', t.NAME),
    Param('description', t.DESCRIPTION),
    Param('volume_type', t.text_or_null(255)),
    Param('availability_zone', t.text_or_null(255)),
    Param('metadata', t.METADATA_OR_NULL),
    Param('bootable', t.BOOLEAN),
    closed_since='3.0')

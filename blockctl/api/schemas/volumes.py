# SPDX-License-Identifier: Apache-2.0
"""Requests about volumes."""

from blockctl.api import parameter_types as t
from blockctl.api.versioned import Body
from blockctl.api.versioned import Param

CREATE = Body(
    'volume',
    Param('name', t.NAME),
    Param('description', t.DESCRIPTION),
    Param('size', {'anyOf': [{'type': 'integer', 'minimum': 1}, {'type': 'string', 'pattern': '^[0-9]+$'}, {'type': 'null'}]}),
    Param('metadata', t.METADATA_OR_NULL),
    closed_since='3.53')

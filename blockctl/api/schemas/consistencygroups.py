# SPDX-License-Identifier: Apache-2.0
"""Requests about consistency groups. Clients of old sent more than is asked for here: it is not heard."""

from blockctl.api import parameter_types as t
from blockctl.api.versioned import Body
from blockctl.api.versioned import Param

#: Names or ids, separated by commas.
_LIST = t.text_or_null(65535)

CREATE = Body(
    'consistencygroup',
    Param('name', t.NAME),
    Param('description', t.DESCRIPTION),
    Param('volume_types', t.text(65535), required=True),
    Param('availability_zone', t.text_or_null(255, 1)))

CREATE_FROM_SRC = Body(
    'consistencygroup-from-src',
    Param('name', t.NAME),
    Param('description', t.DESCRIPTION),
    Param('cgsnapshot_id', t.text_or_null(255)),
    Param('source_cgid', t.text_or_null(255)))

UPDATE = Body(
    'consistencygroup',
    Param('name', t.NAME),
    Param('description', t.DESCRIPTION),
    Param('add_volumes', _LIST),
    Param('remove_volumes', _LIST))

#: The body may also be an empty object.
DELETE = Body(None, Param('consistencygroup', {
    'type': 'object', 'properties': {'force': t.BOOLEAN}, 'additionalProperties': False}), closed_since='3.0')

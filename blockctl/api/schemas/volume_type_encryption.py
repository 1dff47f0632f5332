# SPDX-License-Identifier: Apache-2.0
"""Requests about the encryption of volume types. What is unknown inside is not heard, as in the reference."""

from blockctl.api import parameter_types as t
from blockctl.api.versioned import Body
from blockctl.api.versioned import Param

_PROPERTIES = {
    'provider': t.text(255, 1),
    'control_location': {'enum': ['front-end', 'back-end']},
    'cipher': t.text_or_null(255),
    'key_size': t.BITS_OR_NULL,
}

#: What can be said of it.
NAMES = tuple(_PROPERTIES)


def _body(required):
    inner = {'type': 'object', 'properties': _PROPERTIES, 'required': required}
    return Body(None, Param('encryption', inner, required=True), closed_since='3.0')


CREATE = _body(['provider', 'control_location'])
UPDATE = _body([])

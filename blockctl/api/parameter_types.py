# SPDX-License-Identifier: Apache-2.0
"""The vocabulary of request parameters: JSON schemas with names. ``x-reason`` is what a refusal says."""

UUID_PATTERN = '^[0-9A-Fa-f]{8}-?([0-9A-Fa-f]{4}-?){3}[0-9A-Fa-f]{12}$'


def or_null(schema):
    """The same, or null."""
    return {'anyOf': [schema, {'type': 'null'}]}


def text(maximum, minimum=0):
    """A string of ``minimum`` to ``maximum`` characters."""
    return {'type': 'string', 'minLength': minimum, 'maxLength': maximum}


ANYTHING = {}

#: A name: up to 255 characters; it may be empty, but not of blanks only (the reference stores those as empty).
NAME = {'type': ['string', 'null'], 'maxLength': 255, 'pattern': r'^$|\S'}

#: A name that must be there and have something in it.
NAME_REQUIRED = {'type': 'string', 'minLength': 1, 'maxLength': 255, 'pattern': r'\S'}

DESCRIPTION = {'type': ['string', 'null'], 'maxLength': 255}

UUID = {'type': 'string', 'pattern': UUID_PATTERN, 'x-reason': 'It is not a UUID.'}

UUID_OR_NULL = or_null(UUID)

#: A boolean as JSON, or as clients of old wrote it.
BOOLEAN = {'enum': [True, False, 'True', 'TRUE', 'true', '1', 'ON', 'On', 'on', 'YES', 'Yes', 'yes', 'y', 't',
                    'False', 'FALSE', 'false', '0', 'OFF', 'Off', 'off', 'NO', 'No', 'no', 'n', 'f'],
           'x-reason': 'It must be a boolean.'}

#: Key-value pairs of text, as metadata is.
METADATA = {'type': 'object', 'additionalProperties': {'type': 'string', 'maxLength': 255},
            'propertyNames': {'type': 'string', 'minLength': 1, 'maxLength': 255}}

METADATA_OR_NULL = or_null(METADATA)

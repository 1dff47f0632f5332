# SPDX-License-Identifier: Apache-2.0
r"""The vocabulary of request parameters: JSON schemas with names.

``x-reason`` is what a refusal says.  Patterns end with ``(?![\s\S])`` rather than ``$``, which would let a line feed
in behind what it checked.
"""

from blockctl import exceptions

_END = r'(?![\s\S])'


def or_null(schema):
    """The same, or null."""
    return {'anyOf': [schema, {'type': 'null'}]}


def text(maximum, minimum=0):
    """A string of ``minimum`` to ``maximum`` characters."""
    return {'type': 'string', 'minLength': minimum, 'maxLength': maximum}


def text_or_null(maximum, minimum=0):
    """The same, or null."""
    return {**text(maximum, minimum), 'type': ['string', 'null']}


ANYTHING: dict = {}

#: A name: up to 255 characters. It may be empty, but not of blanks only (which the reference stores as empty).
NAME = {'type': ['string', 'null'], 'maxLength': 255, 'pattern': rf'^{_END}|\S',
        'x-reasons': {'pattern': 'It must not be of blanks only.'}}

#: A name that must have something in it.
NAME_REQUIRED = {'type': 'string', 'minLength': 1, 'maxLength': 255, 'pattern': r'\S',
                 'x-reasons': {'pattern': 'It must not be of blanks only.'}}

DESCRIPTION = text_or_null(255)

UUID = {'type': 'string', 'pattern': f'^[0-9A-Fa-f]{{8}}-?([0-9A-Fa-f]{{4}}-?){{3}}[0-9A-Fa-f]{{12}}{_END}',
        'x-reason': 'It is not a UUID.'}

UUID_OR_NULL = or_null(UUID)

#: A boolean as JSON, or as clients of old wrote it.
BOOLEAN = {'enum': [True, False, *(
    write(word) for word in ('true', 'on', 'yes', 'y', 't', '1', 'false', 'off', 'no', 'n', 'f', '0')
    for write in (str, str.title, str.upper))],
           'x-reason': 'It must be a boolean.'}

SIZE_MAX = 2 ** 31 - 1

_SIZE_REASON = f'It must be a whole number of GiB, from 1 to {SIZE_MAX}.'

#: GiB, as a number or in digits; :func:`size` makes a number of either.
SIZE = {'anyOf': [{'type': 'integer', 'minimum': 1, 'maximum': SIZE_MAX},
                  {'type': 'string', 'maxLength': 10, 'pattern': f'^[0-9]+{_END}'}],
        'x-reason': _SIZE_REASON}

SIZE_OR_NULL = {'anyOf': [*SIZE['anyOf'], {'type': 'null'}], 'x-reason': SIZE['x-reason']}

_BITS_REASON = f'It must be a whole number of bits, from 0 to {SIZE_MAX}.'

#: Bits of a key, as a number or in digits, or null; :func:`bits` makes a number of either.
BITS_OR_NULL = {'anyOf': [{'type': 'integer', 'minimum': 0, 'maximum': SIZE_MAX},
                          {'type': 'string', 'maxLength': 10, 'pattern': f'^[0-9]+{_END}'}, {'type': 'null'}],
                'x-reason': _BITS_REASON}

#: Key-value pairs of text, as metadata is.
METADATA = {'type': 'object', 'additionalProperties': text(255),
            'propertyNames': {
                'type': 'string', 'pattern': rf'^[a-zA-Z0-9\-_:. /]{{1,255}}{_END}',
                'x-reason': 'A key must be of 1 to 255 letters, digits, blanks and the characters - _ : . /'}}

METADATA_OR_NULL = {**METADATA, 'type': ['object', 'null']}

#: Extra specs of a volume type. Values may be null.
EXTRA_SPECS = {**METADATA, 'additionalProperties': text_or_null(255)}

#: The same, where each key is also the end of a path.
ADDRESSABLE_EXTRA_SPECS = {**EXTRA_SPECS, 'propertyNames': {
    'type': 'string', 'pattern': rf'^[a-zA-Z0-9\-_:.]{{1,255}}{_END}',
    'x-reason': 'A key must be of 1 to 255 letters, digits and the characters - _ : .'}}

#: What a host calls itself to iSCSI or NVMe. Drivers know more; but nothing that could be an option comes that far.
HOST_NAME_OR_NULL = {
    'type': ['string', 'null'], 'maxLength': 255, 'pattern': f'^([A-Za-z0-9][A-Za-z0-9.:_+@=-]*)?{_END}',
    'x-reasons': {'pattern': 'It must be of letters, digits and the characters . : _ + @ = -'}}

#: A host, or a part of one; also the name of a service.
HOST = {'type': 'string', 'minLength': 1, 'maxLength': 255, 'pattern': rf'^[!-~]*{_END}',
        'x-reasons': {'pattern': 'It must be of printable ASCII characters, without blanks.'}}

HOST_OR_NULL = {**HOST, 'type': ['string', 'null']}

#: How far something is, in words: 0% to 100%.
PERCENTAGE_OR_NULL = {'type': ['string', 'null'], 'pattern': f'^(100|[0-9]{{1,2}})%{_END}',
                      'x-reasons': {'pattern': 'It must be a whole percentage, such as 80%.'}}

#: A limit; -1 is unlimited.
QUOTA_LIMIT = {'type': 'integer', 'minimum': -1, 'maximum': 2 ** 31 - 1}

_LIMIT_REASON = f'It must be a whole number, from -1 (unlimited) to {2 ** 31 - 1}.'

#: The same, or in digits; :func:`quota_limit` makes a number of either.
QUOTA_LIMIT_OR_DIGITS = {'anyOf': [QUOTA_LIMIT, {'type': 'string', 'maxLength': 10, 'pattern': f'^(-1|[0-9]+){_END}'}],
                         'x-reason': _LIMIT_REASON}


def size(name, value):
    """GiB of a value that passed SIZE. Raises InvalidField for digits that are out of range."""
    number = int(value)
    if not 1 <= number <= SIZE_MAX:
        raise exceptions.InvalidField(field=name, value=value, reason=_SIZE_REASON)
    return number


def bits(name, value):
    """The number of a value that passed BITS_OR_NULL, or None. Raises InvalidField for digits that are out of range."""
    number = None if value is None else int(value)
    if number is not None and number > SIZE_MAX:
        raise exceptions.InvalidField(field=name, value=value, reason=_BITS_REASON)
    return number


def quota_limit(name, value):
    """The limit of a value that passed QUOTA_LIMIT_OR_DIGITS. Raises InvalidField for digits that are out of range."""
    number = int(value)
    if number >= 2 ** 31:
        raise exceptions.InvalidField(field=name, value=value, reason=_LIMIT_REASON)
    return number


def described(body):
    """{'name': ..., 'description': ...} of what a body gives, by these names or as older clients call them.

    Without blanks around them.
    """
    found = {}
    for name in ('name', 'description'):
        for key in (f'display_{name}', name):
            if key in body:
                found[name] = body[key] if body[key] is None else body[key].strip()
    return found

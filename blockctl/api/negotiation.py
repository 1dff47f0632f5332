# SPDX-License-Identifier: Apache-2.0
"""Which microversion a request asks for, by its OpenStack-API-Version header."""

import functools

import microversion_parse

from blockctl import exceptions
from blockctl import microversions

SERVICE_TYPE = 'volume'
HEADER = 'OpenStack-API-Version'


def negotiate(environ):
    """The Version. A header that names only other services counts as none.

    Raises InvalidRequest when it cannot be read, NotAcceptable when it is out of range.
    """
    header = environ.get('HTTP_OPENSTACK_API_VERSION')
    return microversions.MIN if header is None else _read(header)


@functools.lru_cache(maxsize=256)
def _read(header):
    text = microversion_parse.get_version({HEADER.lower(): header}, SERVICE_TYPE)
    if text is None:
        return microversions.MIN
    if text == 'latest':
        return microversions.MAX
    try:
        version = microversions.parse(text)
    except ValueError:
        raise exceptions.InvalidRequest(
            f'API Version String {text[:80]} is of invalid format. Must be of format MajorNum.MinorNum.') from None
    if not microversions.MIN <= version <= microversions.MAX:
        raise exceptions.NotAcceptable(version=version, minimum=microversions.MIN, maximum=microversions.MAX)
    return version


def headers(version):
    """Response headers that tell which version answered."""
    return {HEADER: f'{SERVICE_TYPE} {version}', 'Vary': HEADER}

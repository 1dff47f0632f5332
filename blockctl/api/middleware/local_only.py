# SPDX-License-Identifier: Apache-2.0
"""Without authentication, only programs of this machine may ask: and no web page a browser on it shows.

A page can have its name resolve to 127.0.0.1, and then talk to us as its own site: hence the Host header.  It can also
send simple requests across sites: hence the Origin header.
"""

import ipaddress
import re
import urllib.parse

from blockctl import exceptions

_LOCAL = re.compile(r'(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?\Z', re.IGNORECASE)


def is_local(address):
    """Whether a listening address cannot be reached from elsewhere."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == 'localhost'


class LocalOnly:
    """Refuses requests whose Host or Origin is not this machine (400, 403)."""

    def __init__(self, application):
        self._application = application

    def __call__(self, environ, start_response):
        host = environ.get('HTTP_HOST', '')
        if not _LOCAL.match(host):
            raise exceptions.InvalidField(field='Host', value=ascii(host)[:80],
                                          reason='This service answers to 127.0.0.1, localhost and [::1] only.')
        origin = environ.get('HTTP_ORIGIN')
        if origin is not None and not _LOCAL.match(urllib.parse.urlsplit(origin).netloc):
            raise exceptions.NotAuthorized('Requests from web pages are not allowed.')
        return self._application(environ, start_response)

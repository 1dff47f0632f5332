# SPDX-License-Identifier: Apache-2.0
"""What a handler may ask about the request it serves."""

import functools
import json
import urllib.parse

import webob

from blockctl import exceptions
from blockctl.api import validation


class Call:
    """One request, as handlers see it: ``version``, ``query``, ``headers``, ``base`` and (after the check) ``body``.

    ``base``: the project's URL as the client wrote it ('http://host:8776/v3/PROJECT', or without the project);
    ``bookmark``: the same without '/v3'; ``path``: what follows the project, such as '/volumes/detail'.
    """

    def __init__(self, request: webob.Request, version, path, project_part, public_endpoint=None):
        self.request = request
        self.version = version
        self.path = path
        self.body = None
        self.response_headers = {}
        root = (public_endpoint or request.application_url).rstrip('/')
        self.base = f'{root}/v3{project_part}'
        self.bookmark = f'{root}{project_part}'

    @property
    def headers(self):
        return self.request.headers

    @functools.cached_property
    def query(self):
        """The query string as a dict of the last value of each key; :attr:`query_items` has all."""
        return dict(self.query_items)

    @functools.cached_property
    def query_items(self):
        """[(key, value), ...] in order. Raises InvalidRequest when it is not UTF-8 or has a NUL."""
        raw = self.request.query_string
        if not raw:
            return []
        try:
            items = urllib.parse.parse_qsl(raw, keep_blank_values=True, errors='strict', max_num_fields=100)
        except ValueError:  # UnicodeDecodeError is one
            raise exceptions.InvalidRequest(reason='the query string is not valid UTF-8, or too long') from None
        for name, value in items:
            if '\0' in name or '\0' in value:
                raise exceptions.InvalidField(field=ascii(name)[:80], value=ascii(value)[:80],
                                              reason='NUL is not allowed.')
        return items

    @functools.cached_property
    def document(self):
        """The whole decoded body. Raises UnsupportedMedia, or InvalidRequest when it is not JSON that can be stored."""
        kind = self.request.content_type
        if kind not in ('application/json', ''):
            raise exceptions.UnsupportedMedia()
        raw = self.request.body
        if not raw:
            raise exceptions.InvalidRequest(reason='body: it is empty')
        try:
            document = json.loads(raw, parse_constant=_refuse)
        except (ValueError, RecursionError):
            raise exceptions.InvalidRequest('Malformed request body') from None
        validation.check_text(document)
        return document


def _refuse(constant):
    raise ValueError(constant)  # NaN and Infinity are not JSON

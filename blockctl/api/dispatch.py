# SPDX-License-Identifier: Apache-2.0
"""The end of the pipeline: from a WSGI environ with a Context to an endpoint's answer."""

import re

import webob

from blockctl import exceptions
from blockctl.api import faults
from blockctl.api import negotiation
from blockctl.api import request as api_request
from blockctl.api import routes

#: Keystone's ids are hexadecimal; other identity services give others.
_PROJECT = re.compile(r'[0-9A-Za-z_.-]{1,64}\Z')

TABLE = routes.Table()


class Dispatch:
    """A WSGI application. ``environ['blockctl.context']`` is the Context that authentication made."""

    def __init__(self, app):
        self._public_endpoint = app.conf.public_endpoint

    def __call__(self, environ, start_response):
        version = negotiation.negotiate(environ)
        try:
            answer = self._answer(environ, version)
        except Exception as error:
            answer = faults.response(error)
        answer.headers.update(negotiation.headers(version))
        return answer(environ, start_response)

    def _answer(self, environ, version):
        project_id, path = split(_text(environ.get('PATH_INFO', '')))
        ctx = environ['blockctl.context']
        endpoint, parts = TABLE.find(environ['REQUEST_METHOD'], path, version)
        if endpoint is None:
            raise exceptions.NotFound()
        if project_id is not None and project_id != ctx.project_id:
            raise exceptions.InvalidRequest('Malformed request url')
        part = f'/{project_id}' if project_id is not None else ''
        call = api_request.Call(webob.Request(environ), version, path, part, self._public_endpoint)
        return endpoint.answer(ctx, call, parts)


def split(path):
    """'/v3/PROJECT/volumes' -> ('PROJECT', '/volumes'); '/v3/volumes' -> (None, '/volumes').

    Raises NotFound for what is not below /v3.
    """
    if not path.startswith('/v3/'):
        raise exceptions.NotFound()
    rest = path[3:]
    first, _, more = rest[1:].partition('/')
    if first in TABLE.resources or not _PROJECT.match(first):
        return None, rest
    return first, f'/{more}'


def project_of(path):
    """The project a path names, or None."""
    try:
        return split(path)[0]
    except exceptions.NotFound:
        return None


def _text(path):
    # WSGI gives the bytes of the path as Latin-1.
    try:
        text = path.encode('latin-1').decode('utf-8')
    except UnicodeError:
        raise exceptions.InvalidRequest('Malformed request url') from None
    if '\0' in text:
        raise exceptions.InvalidRequest('Malformed request url')
    return text

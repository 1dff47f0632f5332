# SPDX-License-Identifier: Apache-2.0
"""Version discovery: ``/`` (300) and ``/v3`` (200), for clients that have no token yet."""

import json

import webob

from blockctl import microversions
from blockctl.api import dispatch
from blockctl.api import negotiation

UPDATED = '2023-08-31T00:00:00Z'  # when MAX was added to the API


class Discovery:
    """Answers the paths of discovery, passes on the rest.

    Where nobody is authenticated, ``/v3/{anything}`` is one too: clients look for the version document at the endpoint
    they were given, which may have a project in it.
    """

    def __init__(self, application, app):
        self._application = application
        self._public_endpoint = app.conf.public_endpoint
        self._open = app.conf.auth_strategy == 'noauth'

    def __call__(self, environ, start_response):
        path = environ.get('PATH_INFO', '')
        code = self._code(path, environ['REQUEST_METHOD'])
        if code is None:
            return self._application(environ, start_response)
        version = negotiation.negotiate(environ)
        answer = webob.Response(status=code, content_type='application/json', charset=None,
                                body=self._document(environ))
        answer.headers.update(negotiation.headers(version))
        return answer(environ, start_response)

    def _code(self, path, method):
        if path in ('', '/'):
            return 300
        if path in ('/v3', '/v3/'):
            return 200
        if self._open and method == 'GET' and path.rstrip('/').count('/') == 2 and dispatch.project_of(path):
            return 200
        return None

    def _document(self, environ):
        root = (self._public_endpoint or webob.Request(environ).application_url).rstrip('/')
        return json.dumps({'versions': [{
            'id': 'v3.0', 'status': 'CURRENT', 'version': str(microversions.MAX),
            'min_version': str(microversions.MIN), 'updated': UPDATED,
            'links': [{'rel': 'describedby', 'type': 'text/html', 'href': 'https://docs.openstack.org/'},
                      {'rel': 'self', 'href': f'{root}/v3/'}],
            'media-types': [{'base': 'application/json',
                             'type': 'application/vnd.openstack.volume+json;version=3'}],
        }]}).encode()

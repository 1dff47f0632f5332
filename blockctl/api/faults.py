# SPDX-License-Identifier: Apache-2.0
"""The one place where an error becomes an HTTP answer.

An error without a kind that is in the table is a 500 without its text: the log has it, under the same request id.
"""

import json

import webob
from oslo_log import log as logging

from blockctl import exceptions
from blockctl.api import negotiation
from blockctl.exceptions import Kind

LOG = logging.getLogger(__name__)

FAULTS = {
    Kind.INVALID: (400, 'badRequest'),
    Kind.UNAUTHENTICATED: (401, 'unauthorized'),
    Kind.FORBIDDEN: (403, 'forbidden'),
    Kind.NOT_FOUND: (404, 'itemNotFound'),
    Kind.NOT_ACCEPTABLE: (406, 'computeFault'),  # no name of its own: a quirk clients know
    Kind.CONFLICT: (409, 'conflictingRequest'),
    Kind.PRECONDITION: (412, 'computeFault'),
    Kind.OVER_LIMIT: (413, 'overLimit'),
    Kind.TOO_LARGE: (413, 'overLimit'),
    Kind.UNSUPPORTED_MEDIA: (415, 'badMediaType'),
    Kind.UNAVAILABLE: (503, 'serviceUnavailable'),
}

#: Headers that go with a kind. Retry-After in seconds; 0 for a quota: waiting does not help.
HEADERS = {
    Kind.OVER_LIMIT: {'Retry-After': '0'},
    Kind.UNAVAILABLE: {'Retry-After': '5'},
}

INTERNAL = (500, 'computeFault')
INTERNAL_TEXT = 'The server has either erred or is incapable of performing the requested operation.'


def document(code, name, message, headers=None):
    """The body of a fault."""
    inner = {'code': code, 'message': message}
    if headers and 'Retry-After' in headers and code == 413:
        inner['retryAfter'] = headers['Retry-After']
    return {name: inner}


def response(error):
    """The answer to a request that raised ``error``."""
    kind = error.kind if isinstance(error, exceptions.Error) else None
    if kind not in FAULTS:
        LOG.error('Unexpected error while answering a request', exc_info=error)
        return build(*INTERNAL, INTERNAL_TEXT)
    if kind is Kind.UNAVAILABLE:
        LOG.warning('Answering 503: %s', error)
    headers = HEADERS.get(kind)
    if kind is Kind.NOT_ACCEPTABLE:
        headers = negotiation.headers(error.values['version'])
    return build(*FAULTS[kind], str(error), headers)


def build(code, name, message, headers=None):
    body = json.dumps(document(code, name, message, headers))
    answer = webob.Response(status=code, content_type='application/json', charset=None, body=body.encode())
    if headers:
        answer.headers.update(headers)
    return answer

# SPDX-License-Identifier: Apache-2.0
"""Names every request, and every answer after its request."""

import re

from oslo_utils import uuidutils

#: Where the names are in the environ, as keystonemiddleware and oslo.context know them.
REQUEST_ID = 'openstack.request_id'
GLOBAL_REQUEST_ID = 'openstack.global_request_id'

_WELL_FORMED = re.compile(r'req-[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\Z')


class RequestId:
    """A new id for each request; what the caller sent as its id becomes the global request id, when well-formed."""

    def __init__(self, application):
        self._application = application

    def __call__(self, environ, start_response):
        name = f'req-{uuidutils.generate_uuid()}'
        environ[REQUEST_ID] = name
        inbound = environ.get('HTTP_X_OPENSTACK_REQUEST_ID', '')
        if _WELL_FORMED.match(inbound):
            environ[GLOBAL_REQUEST_ID] = inbound

        def start(status, headers, exc_info=None):
            headers = [*headers, ('x-compute-request-id', name), ('x-openstack-request-id', name)]
            return start_response(status, headers, exc_info)

        return self._application(environ, start)

# SPDX-License-Identifier: Apache-2.0
"""Refuses large bodies before anything reads them."""

import io

from blockctl import exceptions


class BodyLimit:
    """413 for a body over ``osapi_max_request_body_size`` bytes, whether or not it says its length."""

    def __init__(self, application, app):
        self._application = application
        self._limit = app.conf.osapi_max_request_body_size

    def __call__(self, environ, start_response):
        length = environ.get('CONTENT_LENGTH') or ''
        if length:
            if not (length.isascii() and length.isdigit()):
                raise exceptions.InvalidRequest(reason='Content-Length: it is not a number')
            if int(length[:20]) > self._limit:
                raise exceptions.TooLarge()
        elif environ.get('wsgi.input_terminated') or environ.get('HTTP_TRANSFER_ENCODING'):
            # A chunked body: its length is known once it is read.
            body = environ['wsgi.input'].read(self._limit + 1)
            if len(body) > self._limit:
                raise exceptions.TooLarge()
            environ['wsgi.input'] = io.BytesIO(body)
            environ['CONTENT_LENGTH'] = str(len(body))
        return self._application(environ, start_response)

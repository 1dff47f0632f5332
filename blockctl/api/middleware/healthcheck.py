# SPDX-License-Identifier: Apache-2.0
"""``GET /healthcheck``: whether this process wants requests. Looks at nothing but a file an operator may put there."""

import os

import webob

PATH = '/healthcheck'


def make(application, app):
    """Answer PATH, pass on the rest. (oslo.middleware's does the same at 45 ms of import: doc/adr.)"""
    disable_file = app.conf.healthcheck_disable_file

    def healthcheck(environ, start_response):
        if environ.get('PATH_INFO') != PATH:
            return application(environ, start_response)
        code, text = (503, 'DISABLED BY FILE') if disable_file and os.path.exists(disable_file) else (200, 'OK')
        answer = webob.Response(status=code, content_type='text/plain', text=text)
        if environ['REQUEST_METHOD'] not in ('GET', 'HEAD'):
            answer = webob.Response(status=405, content_type='text/plain', text='Method Not Allowed')
            answer.headers['Allow'] = 'GET, HEAD'
        return answer(environ, start_response)

    return healthcheck

# SPDX-License-Identifier: Apache-2.0
"""``@endpoint``: what a handler takes and gives, declared where it is written.

A handler is ``handler(ctx, call, **path_parts)``.  It has no try/except for errors of the domain, and knows HTTP no
further than ``call`` (request.py).  It returns

* ``One(row, related)`` or ``Many(rows, related, ...)``: shown by the endpoint's ``view``;
* a dict: sent as it is;
* a str: sent as plain text;
* None: an empty body.
"""

import json

import webob

from blockctl.api import versioned

_encode = json.JSONEncoder(check_circular=False, separators=(',', ':')).encode


class Endpoint(versioned.Span):
    """A handler with its versions, the schema of its body, its view and its status code."""

    def __init__(self, function, since, until, body, view, code):
        super().__init__(f'{function.__module__}.{function.__qualname__}', since, until)
        self.function = function
        self.body = body
        self.view = view
        self.code = code

    def answer(self, ctx, call, parts):
        """Check the body, call the handler, show what it returns. Domain errors pass through to faults.py."""
        if self.body is not None:
            call.body = self.body.check(call.document, call.version)
        result = self.function(ctx, call, **parts)
        if result is None:
            answer = webob.Response(status=self.code)
            answer.content_length = 0
            answer.headers.pop('Content-Type', None)  # WebOb gives a 204 none
        elif isinstance(result, str):
            answer = webob.Response(status=self.code, content_type='text/plain', charset='UTF-8', text=result)
        else:
            answer = webob.Response(status=self.code, content_type='application/json', charset=None,
                                    body=_encode(self._shown(ctx, call, result)).encode('ascii'))
        if call.response_headers:
            answer.headers.update(call.response_headers)
        return answer

    def _shown(self, ctx, call, result):
        if isinstance(result, dict):
            return result
        view = self.view
        seen = versioned.Seen(result.related, call.base, call.bookmark, call.version)
        if isinstance(result, versioned.One):
            beside = view.beside.shown(ctx, [result.row], seen)[0] if view.beside else {}
            return {view.key: view.shown(ctx, [result.row], seen)[0], **beside}
        shown = {view.plural: view.shown(ctx, result.rows, seen)}
        if result.next_url:
            shown[view.links_key] = [{'rel': 'next', 'href': result.next_url}]
        if result.count is not None:
            shown['count'] = result.count
        return shown


def endpoint(*, since=None, until=None, body=None, view=None, code=200):
    """Make an Endpoint of a handler. Outside ``since`` to ``until`` its route is a 404."""
    def wrap(function):
        return Endpoint(function, since, until, body, view, code)
    return wrap

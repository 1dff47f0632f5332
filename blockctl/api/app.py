# SPDX-License-Identifier: Apache-2.0
"""The API as one WSGI callable.

A request passes, in this order:

1. ``request_id``: names the request before anything can fail, so that every answer and log line carries the name.
2. ``fault_wrap``: turns whatever is raised further in into an answer.
3. ``local_only`` (only with ``auth_strategy = noauth``): before anything answers, also discovery.
4. ``healthcheck``: answers a load balancer without identity, database or version.
5. ``body_limit``: refuses a large body before anything reads it.
6. ``discovery``: ``/`` and ``/v3`` are read by clients that have no token yet.
7. ``auth``: who asks; makes the Context.
8. ``dispatch``: microversion, route, handler.
"""

from blockctl import exceptions
from blockctl.api import dispatch
from blockctl.api import filters
from blockctl.api.middleware import auth
from blockctl.api.middleware import body_limit
from blockctl.api.middleware import discovery
from blockctl.api.middleware import fault_wrap
from blockctl.api.middleware import healthcheck
from blockctl.api.middleware import local_only
from blockctl.api.middleware import request_id


def make_app(app, authenticate=None):
    """The WSGI callable of a process made of ``app`` (blockctl.app.App).

    ``authenticate``: takes the place of the middleware that ``auth_strategy`` names; tests give their own.
    Raises ConfigurationError when everybody would be let in from elsewhere, or the file of list filters is not one.
    """
    filters.allowed(app.conf.resource_query_filters_file)  # told now, not by the first list
    app.policy.load()
    if app.conf.auth_strategy == 'noauth' and not local_only.is_local(str(app.conf.osapi_volume_listen)):
        raise exceptions.ConfigurationError(reason='auth_strategy = noauth needs osapi_volume_listen = 127.0.0.1')
    authenticate = authenticate or auth.STRATEGIES[app.conf.auth_strategy]
    pipeline = dispatch.Dispatch(app)
    pipeline = authenticate(pipeline, app)
    pipeline = discovery.Discovery(pipeline, app)
    pipeline = body_limit.BodyLimit(pipeline, app)
    pipeline = healthcheck.make(pipeline, app)
    if app.conf.auth_strategy == 'noauth':
        pipeline = local_only.LocalOnly(pipeline)
    pipeline = fault_wrap.FaultWrap(pipeline)
    return request_id.RequestId(pipeline)

# SPDX-License-Identifier: Apache-2.0
"""Who asks: makes the Context that everything further in works with, as ``environ['blockctl.context']``."""

from blockctl import context
from blockctl import exceptions
from blockctl.api import dispatch
from blockctl.api.middleware import request_id

CONTEXT = 'blockctl.context'


def keystone(application, app):
    """Identity from Keystone: keystonemiddleware refuses who has no valid token, and its headers say who it is."""
    # Imported here: 200 ms that the embedded default does not pay.
    from keystonemiddleware import auth_token
    return auth_token.AuthProtocol(KeystoneContext(application, app),
                                   {'oslo_config_config': app.conf, 'delay_auth_decision': False})


class KeystoneContext:
    """Makes the Context of what keystonemiddleware put into the environ (it removed whatever came from outside)."""

    def __init__(self, application, app):
        self._application = application
        self._app = app

    def __call__(self, environ, start_response):
        ctx = context.Context.from_environ(environ, app=self._app, overwrite=True)
        if not ctx.user_id or not ctx.project_id:
            # A token that is not scoped to a project: there is nothing here that it could mean.
            raise exceptions.Unauthenticated()
        ctx.is_service = not set(self._app.conf.keystone_authtoken.service_token_roles).isdisjoint(ctx.service_roles)
        ctx.catalog = environ.get('HTTP_X_SERVICE_CATALOG')
        return hand_on(self._application, environ, start_response, ctx)


def hand_on(application, environ, start_response, ctx):
    """Serve a request as ``ctx``."""
    ctx.is_admin = ctx.can('context_is_admin')
    environ[CONTEXT] = ctx
    try:
        return application(environ, start_response)
    finally:
        # The logs of this thread know the context until the next request; the token must not live as long.
        ctx.auth_token = None


class NoAuth:
    """Everybody is an administrator, of the project that the URL names, or of 'admin'.

    For the embedded default: only this machine may ask (middleware/local_only.py).
    """

    def __init__(self, application, app):
        self._application = application
        self._app = app

    def __call__(self, environ, start_response):
        project_id = dispatch.project_of(environ.get('PATH_INFO', '')) or 'admin'
        ctx = context.Context(self._app, user_id='admin', project_id=project_id, roles=['admin', 'member', 'reader'],
                              request_id=environ[request_id.REQUEST_ID],
                              global_request_id=environ.get(request_id.GLOBAL_REQUEST_ID), overwrite=True)
        return hand_on(self._application, environ, start_response, ctx)


#: auth_strategy -> what makes the middleware of the rest of the pipeline and the App.
STRATEGIES = {'keystone': keystone, 'noauth': NoAuth}

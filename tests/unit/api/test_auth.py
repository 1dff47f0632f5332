# SPDX-License-Identifier: Apache-2.0
"""Who asks, as keystonemiddleware says it: what a service's token adds to the user's."""

import pytest
from keystonemiddleware import auth_token

import stand_in
from blockctl.api.middleware import auth
from blockctl.api.middleware import request_id


def context_of(app, **headers):
    app.policy = stand_in.Anybody()
    # The middleware registers its options with the configuration when it is made.
    auth_token.AuthProtocol(None, {'oslo_config_config': app.conf, 'delay_auth_decision': True,
                                   'www_authenticate_uri': 'http://127.0.0.1:1'})
    found = []
    environ = {request_id.REQUEST_ID: 'req-1', 'HTTP_X_USER_ID': 'u', 'HTTP_X_PROJECT_ID': 'p',
               'HTTP_X_ROLES': 'member,service', **headers}
    auth.KeystoneContext(lambda environ, start_response: found.append(environ[auth.CONTEXT]), app)(environ, None)
    return found[0]


@pytest.mark.parametrize(('roles', 'service'), [(None, False), ('reader', False), ('reader,service', True)])
def test_a_service_is_known_by_the_roles_of_its_own_token(app, roles, service):
    """Not by those of the user it acts for."""
    assert context_of(app, **({'HTTP_X_SERVICE_ROLES': roles} if roles else {})).is_service is service


def test_the_catalog_is_kept_as_it_came(app):
    assert context_of(app).catalog is None
    assert context_of(app, HTTP_X_SERVICE_CATALOG='[]').catalog == '[]'

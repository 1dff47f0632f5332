# SPDX-License-Identifier: Apache-2.0
"""Services."""

from blockctl import exceptions
from blockctl.api.endpoint import endpoint
from blockctl.api.schemas import services as schema
from blockctl.api.versioned import Many
from blockctl.api.views import services as view
from blockctl.operations import services


@endpoint(view=view.DETAIL)
def index(ctx, call):
    return Many(services.find(ctx, call.query.get('binary'), call.query.get('host')))


@endpoint(body=schema.ENABLE)
def enable(ctx, call):
    services.enable(ctx, *_which(call))
    return _answer(call, disabled=False)


@endpoint(body=schema.DISABLE)
def disable(ctx, call):
    services.disable(ctx, *_which(call))
    return _answer(call, disabled=True)


@endpoint(body=schema.DISABLE_LOG_REASON)
def disable_log_reason(ctx, call):
    reason = call.body.get('disabled_reason')
    services.disable(ctx, *_which(call), reason)
    return _answer(call, disabled=True) | {'disabled_reason': reason}


def _which(call):
    """(binary, host). Raises InvalidRequest when one is missing."""
    binary, host = call.body.get('binary') or call.body.get('service'), call.body.get('host')
    if not host:
        raise exceptions.InvalidRequest(reason='Host field is missing.')
    if not binary:
        raise exceptions.InvalidRequest(reason='binary: it is missing, and so is service.')
    return binary, host


def _answer(call, disabled):
    return {'host': call.body['host'], 'service': call.body.get('service') or '',
            'binary': call.body.get('binary') or '', 'status': 'disabled' if disabled else 'enabled',
            'disabled': disabled}

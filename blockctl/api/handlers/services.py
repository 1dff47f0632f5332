# SPDX-License-Identifier: Apache-2.0
"""Services."""

from blockctl import exceptions
from blockctl import microversions
from blockctl.api.endpoint import endpoint
from blockctl.api.schemas import services as schema
from blockctl.api.versioned import Many
from blockctl.api.views import services as view
from blockctl.operations import backends
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


# --- backends
@endpoint(body=schema.FREEZE)
def freeze(ctx, call):
    backends.freeze(ctx, *_backend(call))


@endpoint(body=schema.THAW)
def thaw(ctx, call):
    backends.thaw(ctx, *_backend(call))


def _failover(ctx, call):
    backends.fail_over(ctx, *_backend(call))


# Under its older name and, from 3.26 on, under another.
failover_host = endpoint(body=schema.FAILOVER, code=202)(_failover)
failover = endpoint(since='3.26', body=schema.FAILOVER, code=202)(_failover)


def _backend(call):
    """(host, cluster), either of which may be None."""
    cluster = call.body.get('cluster') if call.version >= microversions.REPLICATION_CLUSTER else None
    return call.body.get('host'), cluster


# --- log levels
@endpoint(since='3.32', body=schema.GET_LOG)
def get_log(ctx, call):
    found = services.log_levels(ctx, *_loggers(call))
    return {'log_levels': [{'binary': binary, 'host': host, 'levels': levels} for binary, host, levels in found]}


@endpoint(since='3.32', body=schema.SET_LOG, code=202)
def set_log(ctx, call):
    services.log_levels(ctx, *_loggers(call), call.body['level'].upper())


def _loggers(call):
    """(binary, host, prefix); None and '': any."""
    binary = call.body.get('binary')
    return None if binary in ('', '*') else binary, call.body.get('server') or None, call.body.get('prefix') or ''

# SPDX-License-Identifier: Apache-2.0
"""Clusters of services."""

from blockctl import exceptions
from blockctl.api import pagination
from blockctl.api.endpoint import endpoint
from blockctl.api.schemas import clusters as schema
from blockctl.api.versioned import Many
from blockctl.api.versioned import One
from blockctl.api.versioned import Span
from blockctl.api.views import clusters as view
from blockctl.operations import clusters


def _text(name, value):
    return value


def _integer(name, value):
    if not (value.isascii() and value.isdigit()):
        raise exceptions.InvalidField(field=name, value=value[:80], reason='It must be an integer.')
    return int(value[:12])


class _Filter(Span):
    """A filter of the list: how its value is read, and which attribute has to be that."""

    def __init__(self, name, read, attribute=None, since='3.7'):
        super().__init__(name, since)
        self.read = read
        self.attribute = attribute or name


_FILTERS = {row.name: row for row in (
    _Filter('name', _text), _Filter('binary', _text), _Filter('is_up', pagination.boolean, 'up'),
    _Filter('disabled', pagination.boolean), _Filter('num_hosts', _integer), _Filter('num_down_hosts', _integer),
    _Filter('replication_status', _text, since='3.26'), _Filter('frozen', pagination.boolean, since='3.26'),
    _Filter('active_backend_id', _text, since='3.26'))}


@endpoint(since='3.7', view=view.SUMMARY)
def index(ctx, call):
    return Many(clusters.find(ctx, **_wanted(call)))


@endpoint(since='3.7', view=view.DETAIL)
def detail(ctx, call):
    return Many(clusters.find(ctx, **_wanted(call)))


def _wanted(call):
    known = {name: row for name, row in _FILTERS.items() if row.covers(call.version)}
    unknown = sorted(set(call.query) - known.keys())
    if unknown:
        told = ', '.join(name[:80] for name in unknown[:10])
        raise exceptions.InvalidRequest(reason=f'Invalid filter keys: {told}')
    return {known[name].attribute: known[name].read(name, value) for name, value in call.query.items()}


@endpoint(since='3.7', view=view.DETAIL)
def show(ctx, call, name):
    return One(clusters.show(ctx, name, **_binary(call.query)))


@endpoint(since='3.7', body=schema.ENABLE, view=view.CHANGED)
def enable(ctx, call):
    return One(clusters.enable(ctx, call.body['name'], **_binary(call.body)))


@endpoint(since='3.7', body=schema.DISABLE, view=view.CHANGED)
def disable(ctx, call):
    return One(clusters.disable(ctx, call.body['name'], reason=call.body.get('disabled_reason'), **_binary(call.body)))


def _binary(given):
    return {'binary': given['binary']} if given.get('binary') else {}

# SPDX-License-Identifier: Apache-2.0
"""Every route of the service: resource, method, path, handler, and the policy rule its operation asks.

Paths are as they follow ``/v3`` or ``/v3/{project_id}``.  A handler with other behaviour from some version on is a
second row; rows of one method and path whose versions overlap are refused when this module loads.  ``rule`` None:
everybody may.  An action is picked by the only key of the body of a POST to ``.../action`` (ACTIONS).
"""

import typing

import routes

from blockctl import exceptions
from blockctl.api import endpoint
from blockctl.api import versioned
from blockctl.api.handlers import availability_zones
from blockctl.api.handlers import extensions
from blockctl.api.handlers import limits
from blockctl.api.handlers import messages
from blockctl.api.handlers import pools
from blockctl.api.handlers import quota_classes
from blockctl.api.handlers import quotas
from blockctl.api.handlers import resource_filters
from blockctl.api.handlers import services
from blockctl.api.handlers import volume_metadata
from blockctl.api.handlers import volume_type_extra_specs
from blockctl.api.handlers import volume_types
from blockctl.api.handlers import volumes


class Route(typing.NamedTuple):
    resource: str
    method: str
    path: str
    endpoint: endpoint.Endpoint
    rule: str | None


class Action(typing.NamedTuple):
    resource: str
    path: str
    key: str
    endpoint: endpoint.Endpoint
    rule: str | None


ROUTES = tuple(Route(*row) for row in (
    # resource, method, path, handler, rule
    ('volumes', 'GET', '/volumes', volumes.index, 'volume:get_all'),
    ('volumes', 'POST', '/volumes', volumes.create, 'volume:create'),
    ('volumes', 'GET', '/volumes/detail', volumes.detail, 'volume:get_all'),
    ('volumes', 'GET', '/volumes/summary', volumes.summary, 'volume:get_all'),
    ('volumes', 'GET', '/volumes/{volume_id}', volumes.show, 'volume:get'),
    ('volumes', 'PUT', '/volumes/{volume_id}', volumes.update, 'volume:update'),
    ('volumes', 'DELETE', '/volumes/{volume_id}', volumes.delete, 'volume:delete'),

    ('volume_metadata', 'GET', '/volumes/{volume_id}/metadata', volume_metadata.index, 'volume:get_volume_metadata'),
    ('volume_metadata', 'POST', '/volumes/{volume_id}/metadata', volume_metadata.create,
     'volume:create_volume_metadata'),
    ('volume_metadata', 'PUT', '/volumes/{volume_id}/metadata', volume_metadata.update_all,
     'volume:update_volume_metadata'),
    ('volume_metadata', 'GET', '/volumes/{volume_id}/metadata/{key}', volume_metadata.show,
     'volume:get_volume_metadata'),
    ('volume_metadata', 'PUT', '/volumes/{volume_id}/metadata/{key}', volume_metadata.update,
     'volume:update_volume_metadata'),
    ('volume_metadata', 'DELETE', '/volumes/{volume_id}/metadata/{key}', volume_metadata.delete,
     'volume:delete_volume_metadata'),

    ('volume_types', 'GET', '/types', volume_types.index, 'volume_extension:type_get_all'),
    ('volume_types', 'POST', '/types', volume_types.create, 'volume_extension:type_create'),
    ('volume_types', 'GET', '/types/default', volume_types.default, 'volume_extension:type_get'),
    ('volume_types', 'GET', '/types/{type_id}', volume_types.show, 'volume_extension:type_get'),
    ('volume_types', 'PUT', '/types/{type_id}', volume_types.update, 'volume_extension:type_update'),
    ('volume_types', 'DELETE', '/types/{type_id}', volume_types.delete, 'volume_extension:type_delete'),

    ('volume_type_extra_specs', 'GET', '/types/{type_id}/extra_specs', volume_type_extra_specs.index,
     'volume_extension:types_extra_specs:index'),
    ('volume_type_extra_specs', 'POST', '/types/{type_id}/extra_specs', volume_type_extra_specs.create,
     'volume_extension:types_extra_specs:create'),
    ('volume_type_extra_specs', 'GET', '/types/{type_id}/extra_specs/{key}', volume_type_extra_specs.show,
     'volume_extension:types_extra_specs:show'),
    ('volume_type_extra_specs', 'PUT', '/types/{type_id}/extra_specs/{key}', volume_type_extra_specs.update,
     'volume_extension:types_extra_specs:update'),
    ('volume_type_extra_specs', 'DELETE', '/types/{type_id}/extra_specs/{key}', volume_type_extra_specs.delete,
     'volume_extension:types_extra_specs:delete'),

    ('services', 'GET', '/os-services', services.index, 'volume_extension:services:index'),
    ('services', 'PUT', '/os-services/enable', services.enable, 'volume_extension:services:update'),
    ('services', 'PUT', '/os-services/disable', services.disable, 'volume_extension:services:update'),
    ('services', 'PUT', '/os-services/disable-log-reason', services.disable_log_reason,
     'volume_extension:services:update'),

    ('availability_zones', 'GET', '/os-availability-zone', availability_zones.index, None),
    ('extensions', 'GET', '/extensions', extensions.index, None),
    ('extensions', 'GET', '/extensions/{alias}', extensions.show, None),
    # Who may not see what is used still sees the limits.
    ('limits', 'GET', '/limits', limits.index, None),

    ('messages', 'GET', '/messages', messages.index_all, 'message:get_all'),
    ('messages', 'GET', '/messages', messages.index, 'message:get_all'),
    ('messages', 'GET', '/messages/{message_id}', messages.show, 'message:get'),
    ('messages', 'DELETE', '/messages/{message_id}', messages.delete, 'message:delete'),

    ('pools', 'GET', '/scheduler-stats/get_pools', pools.index, 'scheduler_extension:scheduler_stats:get_pools'),
    ('resource_filters', 'GET', '/resource_filters', resource_filters.index, None),

    ('quotas', 'GET', '/os-quota-sets/{project_id}', quotas.show, 'volume_extension:quotas:show'),
    ('quotas', 'GET', '/os-quota-sets/{project_id}/defaults', quotas.defaults, 'volume_extension:quotas:show'),
    ('quotas', 'PUT', '/os-quota-sets/{project_id}', quotas.update, 'volume_extension:quotas:update'),
    ('quotas', 'DELETE', '/os-quota-sets/{project_id}', quotas.delete, 'volume_extension:quotas:delete'),
    ('quota_classes', 'GET', '/os-quota-class-sets/{class_name}', quota_classes.show,
     'volume_extension:quota_classes:get'),
    ('quota_classes', 'PUT', '/os-quota-class-sets/{class_name}', quota_classes.update,
     'volume_extension:quota_classes:update'),
))

ACTIONS: tuple[Action, ...] = tuple(Action(*row) for row in (
    # resource, path, key, handler, rule
))


class _ByKey(versioned.Span):
    """All actions of one path: an endpoint that leaves the answer to the one the body's only key names."""

    def __init__(self, path):
        super().__init__(path)
        self._choices = {}

    def add(self, row):
        choices = self._choices.setdefault(row.key, [])
        choices.append(row.endpoint)
        versioned.refuse_overlap(f'{row.path} {row.key}', choices, key=lambda _: '')

    def answer(self, ctx, call, parts):
        document = call.document
        if not isinstance(document, dict) or len(document) != 1:
            raise exceptions.InvalidRequest(reason='body: it must be an object whose only key names the action')
        key = next(iter(document))
        for choice in self._choices.get(key, ()):
            if choice.covers(call.version):
                return choice.answer(ctx, call, parts)
        raise exceptions.InvalidRequest(f'There is no such action: {key[:80]}. Verify the request body and '
                                        'Content-Type header and try again.')


class Table:
    """Finds the endpoint of a request. Safe for any number of threads."""

    def __init__(self, rows=ROUTES, actions=ACTIONS):
        self._mapper = routes.Mapper(register=False)
        self._mapper.explicit = True
        self._choices = {}
        for row in rows:
            self._choices.setdefault(f'{row.method} {row.path}', []).append(row.endpoint)
        by_key = {}
        for row in actions:
            if row.path not in by_key:
                by_key[row.path] = _ByKey(row.path)
                self._choices[f'POST {row.path}'] = [by_key[row.path]]
            by_key[row.path].add(row)
        for name, choices in self._choices.items():
            versioned.refuse_overlap(name, choices, key=lambda _: '')
            method, path = name.split()
            self._mapper.connect(None, path, place=name, conditions={'method': [method]})
        self._mapper.create_regs()
        self.resources = frozenset(row.path.split('/')[1] for row in (*rows, *actions))

    def find(self, method, path, version):
        """(endpoint, path parts), or (None, None)."""
        match = self._mapper.match(path, {'REQUEST_METHOD': method})
        if match is None:
            return None, None
        for choice in self._choices[match.pop('place')]:
            if choice.covers(version):
                return choice, match
        return None, None

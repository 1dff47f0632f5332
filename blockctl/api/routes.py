# SPDX-License-Identifier: Apache-2.0
"""Every route of the service: resource, method, path, handler, and the policy rule its operation asks.

Paths are as they follow ``/v3`` or ``/v3/{project_id}``.  A handler with other behaviour from some version on is a
second row; rows of one method and path whose versions overlap are refused when this module loads.  ``rule`` None:
everybody may.  An action is picked by the only key of the body of a POST to ``.../action`` (ACTIONS).
"""

import typing

import routes

from blockctl.api import endpoint
from blockctl.api import versioned
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
    # resource   method    path                        handler          rule
    ('volumes', 'GET', '/volumes', volumes.index, 'volume:get_all'),
    ('volumes', 'POST', '/volumes', volumes.create, 'volume:create'),
    ('volumes', 'GET', '/volumes/detail', volumes.detail, 'volume:get_all'),
    ('volumes', 'GET', '/volumes/{volume_id}', volumes.show, 'volume:get'),
))

ACTIONS: tuple[Action, ...] = ()


class Table:
    """Finds the endpoint of a request. Safe for any number of threads."""

    def __init__(self, rows=ROUTES, actions=ACTIONS):
        self._mapper = routes.Mapper(register=False)
        self._mapper.explicit = True
        self._choices = {}
        for row in rows:
            self._choices.setdefault(f'{row.method} {row.path}', []).append(row.endpoint)
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

# SPDX-License-Identifier: Apache-2.0
"""What is to be placed, as filters and weighers read it."""

from oslo_utils import uuidutils

from blockctl import capacity
from blockctl.db import pools as db_pools
from blockctl.db import qos_specs

#: Ids of volumes that a hint may name, at most; more than a tenant has use for.
MOST_NAMED = 100


class Request:
    """One request for a place. ``spec``: the payload of its job, with ``excluded``, ``project_id`` and ``user_id``.

    ``ctx`` None: there is no database to ask (a simulation); nothing is known then beside the spec.
    """

    def __init__(self, ctx, spec):
        self.ctx = ctx
        self.spec = spec
        self.size = spec['size']  # GiB that are to be claimed
        self.extra_specs = spec.get('extra_specs') or {}
        self.hints = spec.get('scheduler_hints') or {}
        self.excluded = frozenset(spec.get('excluded') or ())
        self.thick = capacity.is_thick(self.extra_specs)
        self._names = None

    def named(self, hint):
        """Ids of volumes that a hint names: one, or a list of them. Anything else in it names none."""
        value = self.hints.get(hint)
        given = value if isinstance(value, list) else [value]
        return [each for each in dict.fromkeys(each for each in given if isinstance(each, str))
                if uuidutils.is_uuid_like(each)][:MOST_NAMED]

    def hosts_of(self, volume_ids):
        """The pools of those of these volumes that the requesting project has."""
        if self.ctx is None or not volume_ids:
            return set()
        with self.ctx.reading():
            return db_pools.hosts_of(self.ctx, self.spec.get('project_id'), volume_ids)

    def names(self):
        """What expressions may name beside the pool: volume, extra and qos."""
        if self._names is None:
            spec = self.spec
            kind, source = spec.get('volume_type') or {}, spec.get('source') or {}
            self._names = {
                'volume': {
                    'id': spec.get('volume_id'), 'size': self.size, 'volume_type_id': kind.get('id'),
                    'availability_zone': spec.get('availability_zone'), 'project_id': spec.get('project_id'),
                    'user_id': spec.get('user_id'),
                    'snapshot_id': source.get('id') if source.get('kind') == 'snapshot' else None,
                    'source_volid': source.get('id') if source.get('kind') == 'volume' else None},
                'extra': self.extra_specs,
                'qos': self._qos(kind.get('id'))}
        return self._names

    def _qos(self, volume_type_id):
        if self.ctx is None or volume_type_id is None:
            return {}
        with self.ctx.reading():
            found = qos_specs.of_type(self.ctx, volume_type_id)
        return {'consumer': found.consumer, **found.specs} if found.consumer else {}

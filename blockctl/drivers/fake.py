# SPDX-License-Identifier: Apache-2.0
"""The driver ``fake``: volumes that exist in the memory of one process only. For tests of the services, nothing else.

It keeps the contract of drivers/interface.py, and can be told to be slow (``fake_delay``), to fail (``fake_fail``), to
be small (``fake_capacity_gib``) or to have several pools (``fake_pools``).  What a volume holds is a dict
{byte offset: bytes}, for tests to look at.
"""

import contextlib
import dataclasses
import threading

from oslo_config import cfg

from blockctl import exceptions
from blockctl.drivers import interface
from blockctl.drivers import names

OPTIONS = (
    cfg.FloatOpt('fake_delay', default=0, min=0, help='Seconds each call that changes something takes.'),
    cfg.ListOpt('fake_fail', default=[],
                help='Calls that fail: METHOD:ERROR[:COUNT], such as create:BackendFull:2 for the first two. ERROR is '
                     'a class of blockctl.exceptions; without COUNT, every call.'),
    cfg.FloatOpt('fake_capacity_gib', default=1000, min=0,
                 help='GiB each pool holds. What is beyond it is refused as by a full backend (it is thick).'),
    cfg.ListOpt('fake_pools', default=[], help='Names of the pools; empty: one, by the name of the backend.'),
)


@dataclasses.dataclass(slots=True)
class Image:
    """A volume or snapshot: GiB, and what was written where."""

    pool: str
    size: int
    data: dict = dataclasses.field(default_factory=dict)


class FakeDriver(interface.Driver, interface.Encrypts, interface.Extends, interface.Snapshots, interface.Clones,
                 interface.Reverts, interface.Connects, interface.Renames):
    """See the module. ``images`` is all there is, by name; ``calls`` counts the calls of each method."""

    any_machine = False

    def __init__(self, conf, backend):
        super().__init__(conf, backend)
        self.images = {}
        self.calls = {}
        self._lock = threading.Lock()
        self._template = names.Template(conf.volume_name_template)
        self._pools = list(conf.fake_pools) or [conf.volume_backend_name or backend.rpartition('@')[2]]
        self._failures = [_Failure(text) for text in conf.fake_fail]
        self._stopping = threading.Event()

    @classmethod
    def options(cls):
        return OPTIONS

    # --- life
    def start(self):
        self._called('start')
        self._stopping.clear()

    def stop(self):
        self._stopping.set()

    def stats(self):
        self._called('stats')
        with self._lock:
            return interface.BackendStats(
                vendor_name='blockctl', driver_version='1.0', storage_protocol='fake', pools=tuple(
                    interface.PoolStats(name=pool, total=self.conf.fake_capacity_gib, free=self._free(pool),
                                        foreign=self._foreign(pool), thin=False, thick=True)
                    for pool in self._pools))

    # --- fence
    def identity(self):
        self._called('identity')
        return ''

    def fence(self, identity):
        """Nothing to do: effects happen under one lock of the only process there is, and ask ``check()`` inside."""
        self._called('fence')

    # --- volumes
    def create(self, volume, effect):
        return self._add('create', volume, effect)

    def create_encrypted(self, volume, header, effect):
        made = self._add('create', volume, effect)
        with self._lock:
            self._get(volume.name).data[0] = header
        return made

    def delete(self, volume, effect):
        with self._effect('delete', effect, volume.name):
            if any(name.startswith(f'{volume.name}@') for name in self.images):
                raise exceptions.BackendBusy(reason=f'{volume.name} has snapshots')
            self.images.pop(volume.name, None)

    def find(self):
        self._called('find')
        with self._lock:
            return [interface.Found(pool=image.pool, name=name, size=image.size)
                    for name, image in self.images.items() if self._template.gave(name)]

    # --- abilities
    def extend(self, volume, size, effect):
        with self._effect('extend', effect, volume.name):
            image = self._get(volume.name)
            if size > image.size:
                self._need(image.pool, size - image.size)
                image.size = size

    def create_snapshot(self, snapshot, effect):
        name = _snapshot_name(snapshot)
        with self._effect('create_snapshot', effect, name.partition('@')[0]):
            if name not in self.images:
                source = self._get(snapshot.volume.name)
                self._put(name, Image(source.pool, source.size, dict(source.data)))
        return {}

    def delete_snapshot(self, snapshot, effect):
        with self._effect('delete_snapshot', effect, snapshot.volume.name):
            self.images.pop(_snapshot_name(snapshot), None)

    def create_from_snapshot(self, volume, snapshot, effect):
        return self._add('create_from_snapshot', volume, effect, _snapshot_name(snapshot))

    def clone(self, volume, source, effect):
        return self._add('clone', volume, effect, source.name)

    def revert(self, volume, snapshot, effect):
        with self._effect('revert', effect, volume.name):
            self._get(volume.name).data = dict(self._get(_snapshot_name(snapshot)).data)

    def connect(self, volume, connector, effect):
        with self._effect('connect', effect, volume.name):
            self._get(volume.name)
        return {'driver_volume_type': 'fake', 'data': {'volume_id': volume.id}}

    def disconnect(self, volume, connector, effect):
        with self._effect('disconnect', effect, volume.name):
            pass  # nothing was exported

    def rename(self, volume, old_name, effect):
        names.check_foreign(old_name)
        with self._effect('rename', effect, volume.name):
            if old_name not in self.images:
                self._get(volume.name)
            elif volume.name in self.images:
                raise exceptions.BackendError(reason=f'{volume.name} is there already')
            else:
                self.images[volume.name] = self.images.pop(old_name)

    def size_of(self, name, pool):
        self._called('size_of')
        with self._lock:
            return self._get(names.check_foreign(name)).size

    # --- with the lock held
    def _add(self, method, volume, effect, source=None):
        with self._effect(method, effect, volume.name):
            there = self.images.get(volume.name)
            if there is None:
                origin = self._get(source) if source else None
                size = max(volume.size, origin.size if origin else 0)
                self._put(volume.name, Image(volume.pool, size, dict(origin.data) if origin else {}))
            elif there.size != volume.size:
                raise exceptions.BackendError(
                    reason=f'{volume.name} is there, but has {there.size} GiB instead of {volume.size}')
        return {}

    def _put(self, name, image):
        if image.pool not in self._pools:
            raise exceptions.BackendError(reason=f'there is no pool {image.pool}')
        self._need(image.pool, image.size)
        self.images[name] = image

    def _get(self, name):
        if name not in self.images:
            raise exceptions.NotFoundOnBackend(name=name)
        return self.images[name]

    def _need(self, pool, size):
        if size > self._free(pool):
            raise exceptions.BackendFull(reason=f'{pool} has {self._free(pool)} GiB left, not {size}')

    def _free(self, pool):
        return self.conf.fake_capacity_gib - sum(i.size for i in self.images.values() if i.pool == pool)

    def _foreign(self, pool):
        return sum(image.size for name, image in self.images.items()
                   if image.pool == pool and not self._template.gave(name))

    # --- being slow and failing
    @contextlib.contextmanager
    def _effect(self, method, effect, name):
        names.check(name)
        self._called(method)
        self._stopping.wait(self.conf.fake_delay)
        with self._lock:
            effect.check()
            yield
        effect.progress(1.0)

    def _called(self, method):
        with self._lock:
            self.calls[method] = self.calls.get(method, 0) + 1
            for failure in self._failures:
                failure.strike(method)


def _snapshot_name(snapshot):
    return f'{names.check(snapshot.volume.name)}@{names.check(snapshot.name)}'


class _Failure:
    """One item of ``fake_fail``. Raises ConfigurationError when it is not understood."""

    def __init__(self, text):
        self._method, _, rest = text.partition(':')
        error, _, count = rest.partition(':')
        self._error = getattr(exceptions, error, None)
        known = isinstance(self._error, type) and issubclass(self._error, exceptions.Error)
        if not self._method or not known or (count and not count.isdecimal()):
            raise exceptions.ConfigurationError(reason=f'fake_fail: {text!r} is not METHOD:ERROR[:COUNT]')
        self._left = int(count) if count else None

    def strike(self, method):
        if method != self._method or self._left == 0:
            return
        if self._left is not None:
            self._left -= 1
        raise self._error('asked for by fake_fail')

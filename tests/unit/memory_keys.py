# SPDX-License-Identifier: Apache-2.0
"""A key manager in memory: a double for Barbican and Vault, which do not run here. It remembers what it was asked."""

import datetime
import secrets
import uuid

import sqlalchemy as sa
from castellan.common import exception
from castellan.common.objects import symmetric_key
from castellan.key_manager import key_manager

from blockctl.db import tables


class MemoryKeyManager(key_manager.KeyManager):
    """``keys``: {(project, id): key}; ``asked``: names of the calls; ``fails``: errors of the next ones, in order."""

    def __init__(self, configuration=None):
        self.keys = {}
        self.asked = []
        self.fails = []

    def _ask(self, name):
        self.asked.append(name)
        if self.fails:
            error = self.fails.pop(0)
            if error is not None:
                raise error

    def create_key(self, context, algorithm, length, expiration=None, name=None, **kwargs):
        self._ask('create_key')
        secret = secrets.token_bytes(length // 8)
        return self._keep(context, symmetric_key.SymmetricKey(algorithm, length, secret, name))

    def create_key_pair(self, context, algorithm, length, expiration=None, name=None):
        raise NotImplementedError

    def store(self, context, managed_object, expiration=None):
        self._ask('store')
        return self._keep(context, managed_object)

    def _keep(self, context, key):
        key_id = str(uuid.uuid4())
        self.keys[context.project_id, key_id] = symmetric_key.SymmetricKey(
            key.algorithm, key.bit_length, key.get_encoded(), key.name, id=key_id)
        return key_id

    def get(self, context, managed_object_id, metadata_only=False):
        self._ask('get')
        return self._find(context, managed_object_id)

    def _find(self, context, key_id):
        try:
            return self.keys[context.project_id, key_id]
        except KeyError:
            raise exception.ManagedObjectNotFoundError(uuid=key_id) from None

    def delete(self, context, managed_object_id, force=False):
        self._ask('delete')
        self._find(context, managed_object_id)
        del self.keys[context.project_id, managed_object_id]

    def add_consumer(self, context, managed_object_id, consumer_data):
        raise NotImplementedError

    def remove_consumer(self, context, managed_object_id, consumer_data):
        raise NotImplementedError

    def list(self, context, object_type=None, metadata_only=False):
        self._ask('list')
        return [key for (project, _), key in self.keys.items() if project == context.project_id]


def put_in(app):
    """Have an App's keys be kept in memory from here on. Returns the key manager."""
    keys = MemoryKeyManager()
    app.keys._loaded = keys  # what it loads at first use otherwise
    from castellan.common import utils
    app.conf.register_opts(utils.credential_opts, 'key_manager')
    return keys


def make_type(bench, **values):
    """The row of an encrypted type; ``values``: other settings than most."""
    type_id, now = str(uuid.uuid4()), datetime.datetime(2026, 1, 1)
    settings = {'provider': 'luks', 'cipher': 'aes-xts-plain64', 'key_size': 256, 'control_location': 'front-end'}
    with bench.ctx.writing() as conn:
        conn.execute(sa.insert(tables.volume_types).values(id=type_id, name=type_id, is_public=True, created_at=now))
        conn.execute(sa.insert(tables.volume_type_encryptions).values(
            volume_type_id=type_id, encryption_id=str(uuid.uuid4()), created_at=now, **{**settings, **values}))
        return conn.execute(sa.select(tables.volume_types).where(tables.volume_types.c.id == type_id)).one()

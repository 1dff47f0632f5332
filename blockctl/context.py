# SPDX-License-Identifier: Apache-2.0
"""The first argument of everything: who asks, and what this process has to answer with."""

import contextlib

from oslo_context import context

from blockctl import exceptions


class Context(context.RequestContext):
    """One request's, or one job's, view of the process. Used by one thread at a time.

    ``app`` is what cmd/ composed: ``conf``, ``db``, ``policy``, ``doorbell`` and the rest (app.py).
    ``conn`` is the connection of the transaction under way, or None.
    """

    def __init__(self, app, *args, **kwargs):
        super().__init__(*args, overwrite=kwargs.pop('overwrite', False), **kwargs)
        self.app = app
        self.conn = None
        self._writing = False
        #: The caller is a service that acts for a user: its second token says so (api/middleware/auth.py).
        self.is_service = False
        #: The caller's catalog as JSON, where there is one.
        self.catalog = None

    @property
    def conf(self):
        return self.app.conf

    @contextlib.contextmanager
    def reading(self):
        """A transaction that only reads; inside another transaction, that one."""
        if self.conn is not None:
            yield self.conn
            return
        with self._transaction(write=False) as conn:
            yield conn

    @contextlib.contextmanager
    def writing(self):
        """One unit of work: leaving it commits all, an exception rolls all back. Joins one that is under way."""
        if self._writing:
            yield self.conn
            return
        if self.conn is not None:
            raise RuntimeError('a transaction that reads cannot turn into one that writes')
        with self._transaction(write=True) as conn:
            yield conn

    def commit(self):
        """Commit the unit of work under way before its ``with`` ends; nothing can be written after it in there."""
        self.conn.get_transaction().commit()

    @contextlib.contextmanager
    def _transaction(self, write):
        with self.app.db.connection(write) as conn:
            self.conn, self._writing = conn, write
            try:
                yield conn
            finally:
                self.conn, self._writing = None, False

    def can(self, action, target=None):
        """Whether the policy rule ``action`` allows this caller to act on ``target`` (None: the caller's own)."""
        return self.app.policy.allows(self, action, target)

    def must(self, action, target=None):
        """Raise NotAuthorized unless :meth:`can`."""
        if not self.can(action, target):
            raise exceptions.NotAuthorized(action=action)

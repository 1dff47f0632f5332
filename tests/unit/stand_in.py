# SPDX-License-Identifier: Apache-2.0
"""A process's parts on a database of the test's own, without threads: what unit tests of db, jobs and flows need."""

from blockctl import app as application
from blockctl import conf as configuration
from blockctl import context
from blockctl import faultpoints
from blockctl.compute import nova
from blockctl.db import engine
from blockctl.db import schema
from blockctl.db import tables
from blockctl.flows import engine as flow_engine


class Bell:
    """Stands in for the doorbell: remembers who was rung."""

    def __init__(self):
        self.rung = []

    def ring(self, topic, operation, job_id):
        self.rung.append((topic, operation, job_id))


class Anybody:
    """Stands in for the policy: everybody may."""

    def allows(self, ctx, rule, target=None):
        return True


class Silence:
    """Stands in for the notifier: remembers the events."""

    def __init__(self):
        self.events = []

    def emit(self, ctx, publisher, event, payload):
        self.events.append((event, payload()))


def make_app(url, **overrides):
    """An App on a database that has the schema; ``overrides``: options of [DEFAULT]."""
    conf = configuration.load([], files=[])
    conf.set_override('connection', url, 'database')
    for name, value in overrides.items():
        conf.set_override(name, value)
    app = application.App(conf=conf, db=engine.Database(conf), policy=None, bus=None, doorbell=Bell(),
                          notifier=Silence(), points=faultpoints.Points(conf), compute=nova.Nova(conf),
                          flows=flow_engine.Engines())
    with app.db.connection(write=True) as conn:
        tables.metadata.create_all(conn)
    with app.db.connection(write=True) as conn:
        schema._default_type(conn, conf.default_volume_type)
    return app


def make_context(app, project='p1'):
    return context.Context(app, user_id='u1', project_id=project, roles=['member', 'reader'], overwrite=True)

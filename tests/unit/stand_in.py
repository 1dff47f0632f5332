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
from blockctl.keys import store
from blockctl.scheduler import pick
from blockctl.scheduler import pools
from blockctl.scheduler import request


class Bell:
    """Stands in for the doorbell: remembers who was rung."""

    def __init__(self):
        self.rung = []

    def ring(self, topic, operation, job_id):
        self.rung.append((topic, operation, job_id))

    def start(self):
        """It has no thread."""

    stop = start


class Anybody:
    """Stands in for the policy: everybody may."""

    def allows(self, ctx, rule, target=None):
        return True


class Silence:
    """Stands in for the notifier: remembers the events."""

    def __init__(self):
        self.events = []

    lost = 0

    def wanted(self):
        return True

    def flush(self):
        """Nothing waits."""

    stop = flush

    def emit(self, ctx, publisher, event, payload, priority='info'):
        self.events.append((event, payload()))


def make_app(url, **overrides):
    """An App on a database that has the schema; ``overrides``: options of [DEFAULT]."""
    conf = configuration.load([], files=[])
    conf.set_override('connection', url, 'database')
    for name, value in overrides.items():
        conf.set_override(name, value)
    app = application.App(conf=conf, db=engine.Database(conf), policy=None, bus=None, doorbell=Bell(),
                          notifier=Silence(), points=faultpoints.Points(conf), compute=nova.Nova(conf),
                          keys=store.KeyStore(conf),
                          flows=flow_engine.Engines(), processes=None)
    with app.db.connection(write=True) as conn:
        tables.metadata.create_all(conn)
    with app.db.connection(write=True) as conn:
        schema._default_type(conn, conf.default_volume_type)
    return app


def make_context(app, project='p1'):
    return context.Context(app, user_id='u1', project_id=project, roles=['member', 'reader'], overwrite=True)


def choice(spec, names, refused=()):
    """A scheduler's Choice of the pools of these names, in this order; whatever they hold."""
    found = [pools.made(name, {'availability_zone': 'nova'}) for name in names]
    return pick.Choice(request.Request(None, {'size': 0, **spec}), pools.Fleet(found), found, iter(range(len(found))),
                       list(refused))

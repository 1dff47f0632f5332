# SPDX-License-Identifier: Apache-2.0
"""blockctl-standalone: API, scheduler and volume service in one process; nothing else is needed.

SQLite, an in-process transport, volumes as sparse files, no authentication: for trying blockctl and for tests, on this
machine only (it listens on 127.0.0.1 and checks the Host header).
"""

import os
import sys

from blockctl import conf as configuration
from blockctl import exceptions
from blockctl.api import app as api
from blockctl.cmd import process
from blockctl.cmd import serve
from blockctl.db import schema
from blockctl.scheduler import service as scheduler
from blockctl.volume import service as volume

BACKEND = 'files'


def main():
    conf = process.configure(sys.argv, prepare=_defaults)
    os.makedirs(conf.state_path, mode=0o700, exist_ok=True)
    app = process.compose(conf, 'embedded://')
    if schema.version(app.db) != schema.HEAD:
        schema.sync(app.db, conf.default_volume_type)
    try:
        wsgi = api.make_app(app)
    except exceptions.ConfigurationError as error:
        sys.exit(f'blockctl-standalone: {error}')
    return process.run(app, lambda app, beat: [
        scheduler.Service(app, beat), volume.Service(app, beat), serve.WebService(conf, wsgi)],
        [(serve.BINARY, conf.host)])


def _defaults(conf):
    """What the embedded default has instead of servers; a configuration file may say otherwise."""
    for name, value in {
            'auth_strategy': 'noauth', 'osapi_volume_listen': '127.0.0.1',
            'enabled_backends': [BACKEND], 'host': 'localhost',
            'state_path': os.path.expanduser('~/.local/state/blockctl'), 'graceful_shutdown_timeout': 10}.items():
        conf.set_default(name, value)
    configuration.backend_group(conf, BACKEND, ())
    conf.set_default('volume_driver', 'file', BACKEND)

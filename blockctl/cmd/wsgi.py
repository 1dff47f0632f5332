# SPDX-License-Identifier: Apache-2.0
"""The REST API for uwsgi or gunicorn: ``blockctl.cmd.wsgi:application``.

Configuration files come from ``--config-file`` in uwsgi's ``--pyargv``, else from BLOCKCTL_CONFIG_FILES (separated by
colons), else from the usual places.  The module builds its application at import, as such servers expect.
"""

import sys

from oslo_utils import uuidutils

from blockctl.api import app as api
from blockctl.cmd import process
from blockctl.cmd import serve


def _application():
    app = process.compose(process.configure(sys.argv if '--config-file' in sys.argv else sys.argv[:1]))
    started = []

    wsgi = api.make_app(app)

    def application(environ, start_response):
        # At the first request: the server may fork between import and serving, and threads do not survive that.
        if not started:
            started.append(True)
            app.doorbell.start()
            app.processes.start(uuidutils.generate_uuid(), lambda: [(serve.BINARY, app.conf.host)])
        return wsgi(environ, start_response)

    return application


application = _application()

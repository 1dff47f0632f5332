# SPDX-License-Identifier: Apache-2.0
"""A compute host, for what it takes of one here: os-brick, asked by lines of JSON. Runs in the guest, as root.

    brick.py serve SOCKET           on os-brick's Python, which imports it once: that takes a minute there
    brick.py ask SOCKET REQUEST     on any Python; REQUEST is [function, {argument: value}], the answer JSON, too

The function "end" ends it.  What fails answers {"failed": name of the error, "text": ...}.
"""

import json
import os
import socket
import socketserver
import sys
import threading

SECONDS = 200  # for one request


class _Handler(socketserver.StreamRequestHandler):

    def handle(self):
        name, arguments = json.loads(self.rfile.readline())
        try:
            answer = {'done': self.server.functions[name](**arguments)}
        except Exception as error:
            answer = {'failed': type(error).__name__, 'text': str(error)}
        self.wfile.write(json.dumps(answer).encode())


def serve(path):
    functions = _functions()
    with socketserver.ThreadingUnixStreamServer(path, _Handler) as server:
        # A thread of its own: it waits until nothing is served any more.
        server.functions = {**functions, 'end': lambda: threading.Thread(target=server.shutdown).start()}
        try:
            server.serve_forever()
        finally:
            os.unlink(path)


def _functions():
    import os_brick
    from os_brick import privileged
    from os_brick.initiator import connector
    from oslo_concurrency import lockutils
    from oslo_config import cfg

    cfg.CONF([], project='brick', default_config_files=[], default_config_dirs=[])
    lockutils.set_defaults('/run/brick')
    os_brick.setup(cfg.CONF)
    for context in (privileged.default, privileged.brick_privsep_hide_output):
        context.set_client_mode(False)  # it is root already

    def made(protocol, multipath=False):
        return connector.InitiatorConnector.factory(protocol, 'sudo', use_multipath=multipath)

    def properties(multipath=False):
        return connector.get_connector_properties('sudo', '10.0.2.15', multipath, False)

    def connect(protocol, data, multipath=False):
        return made(protocol, multipath).connect_volume(data)

    def extend(protocol, data):
        return made(protocol).extend_volume(data)

    def disconnect(protocol, data, device, multipath=False):
        made(protocol, multipath).disconnect_volume(data, device)

    return {function.__name__: function for function in (properties, connect, extend, disconnect)}


def ask(path, request):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(SECONDS)
        connection.connect(path)
        connection.sendall(request.encode() + b'\n')
        print(connection.makefile('r').read())


if __name__ == '__main__':
    command, *rest = sys.argv[1:]
    {'serve': serve, 'ask': ask}[command](*rest)

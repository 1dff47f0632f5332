# SPDX-License-Identifier: Apache-2.0
"""Runs programs in the guest for who is outside.

    agent.py serve PORT TOKEN      in the guest; any number of programs at once
    agent.py exec STATE CMD...     outside; input, output, exit status are CMD's; `env NAME=VALUE ...` may stand first
    agent.py stop STATE            outside; the guest powers off

One request for a connection: a line of JSON; the answer is JSON, too.  What is not text passes as latin-1.
"""

import json
import os
import socket
import socketserver
import subprocess
import sys
import threading


class _Handler(socketserver.StreamRequestHandler):

    def handle(self):
        request = json.loads(self.rfile.readline())
        if request.get('token') != self.server.token:
            return
        if request['stop']:
            threading.Thread(target=self.server.shutdown).start()
            answer = 0, '', ''
        else:
            answer = _run(request['arguments'], request['environment'], request['input'])
        self.wfile.write(json.dumps(answer).encode())


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    request_queue_size = 64


def _run(arguments, environment, given):
    try:
        done = subprocess.run(arguments, input=given.encode('latin-1'), capture_output=True, cwd='/', check=False,
                              env={**os.environ, **environment})
    except OSError as error:
        return 127, '', f'{arguments[0]}: {error.strerror}\n'
    return done.returncode, done.stdout.decode('latin-1'), done.stderr.decode('latin-1')


def serve(port, token):
    with _Server(('0.0.0.0', int(port)), _Handler) as server:  # noqa: S104 (the guest has no network but the host's)
        server.token = token
        server.serve_forever()


def ask(state, arguments, *, stop=False):
    """The exit status of a program in the guest; what it says is said here."""
    with open(state, encoding='ascii') as file:
        port, token, *_ = file.read().split()
    environment = {}
    if arguments[:1] == ['env']:
        arguments = arguments[1:]
        while '=' in arguments[0]:
            name, _, environment[name] = arguments.pop(0).partition('=')
    # A terminal would wait for somebody to type.
    given = b'' if stop or sys.stdin.isatty() else sys.stdin.buffer.read()
    with socket.create_connection(('127.0.0.1', int(port))) as connection:
        request = {'token': token, 'arguments': arguments, 'environment': environment,
                   'input': given.decode('latin-1'), 'stop': stop}
        connection.sendall(json.dumps(request).encode() + b'\n')
        answer = connection.makefile('rb').read()
    if not answer:
        sys.exit('storage_vm: the guest hung up')
    status, output, errors = json.loads(answer)
    sys.stdout.buffer.write(output.encode('latin-1'))
    sys.stderr.buffer.write(errors.encode('latin-1'))
    return status if status >= 0 else 128 - status


if __name__ == '__main__':
    command, *rest = sys.argv[1:]
    if command == 'serve':
        serve(*rest)
    else:
        sys.exit(ask(rest[0], rest[1:], stop=command == 'stop'))

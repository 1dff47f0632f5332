# SPDX-License-Identifier: Apache-2.0
"""What the programs that make and mend targets (rtstool.py, nvmetool.py, tgttool.py) have in common: how they ask,
answer and write down what they made.

Exit status: 0 done, 2 it could not be done.
"""

import argparse
import contextlib
import fcntl
import json
import os
import sys

_LOCK = '/run/blockctl-targets.lock'


def parser(program, description, verbs):
    """``verbs``: {function: {argument: keywords of add_argument}}; a function's name is its verb's, its docstring's
    first line the help.
    """
    made = argparse.ArgumentParser(prog=program, description=description, allow_abbrev=False,
                                   epilog='Exit status: 0 done, 2 it could not be done.')
    listed = made.add_subparsers(metavar='VERB', required=True)
    for function, arguments in verbs.items():
        line = function.__doc__.partition('\n')[0]
        verb = listed.add_parser(function.__name__, help=line, description=line, allow_abbrev=False)
        verb.set_defaults(function=function)
        for name, keywords in arguments.items():
            verb.add_argument(name, **keywords)
    return made


def main(parsed, program, load):
    """Call what was asked for with ``load()`` and the arguments; say what it gives as JSON. Returns the exit status."""
    try:
        place = load()
        with _alone():
            answer = parsed.function(place, parsed)
    except Exception as error:
        print(f'{program}: {type(error).__name__}: {error}', file=sys.stderr)
        return 2
    if answer:
        print(json.dumps(answer, indent=2))
    return 0


def address(text):
    """(host, port) of ADDRESS:PORT, an IPv6 address in brackets. Raises ValueError."""
    host, _, port = text.rpartition(':')
    if not host or not port.isdecimal():
        raise ValueError(f'{text!r} has no port')
    return host.removeprefix('[').removesuffix(']'), int(port)


def write(path, text):
    """Whole or not at all, whatever happens meanwhile; for root's eyes. ``path``: a pathlib.Path."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    scratch = path.with_name(f'.{path.name}.new')
    with open(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 'w', encoding='utf-8') as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    scratch.rename(path)


@contextlib.contextmanager
def _alone():
    """Targets know no transactions: one at a time."""
    with open(_LOCK, 'w', encoding='ascii') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield

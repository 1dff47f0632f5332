# SPDX-License-Identifier: Apache-2.0
"""Options of ``tools/conformance``, and what is printed and written at the end."""

import argparse
import pathlib
import signal
import sys
import tempfile

from benchmarks import http_api
from benchmarks import keystone
from conforming import cloud
from conforming import interrupts
from conforming import known_failures
from conforming import plan
from conforming import report
from conforming import runs
from conforming import selection

# Whatever of these ends a run is a plain message, never a traceback.
EXPECTED = (cloud.ServersFailed, runs.RunFailed, selection.BadSelection, known_failures.BadList,
            http_api.RequestFailed, keystone.NotAuthenticated, plan.venv.VenvFailed, AssertionError, OSError)

EPILOG = """\
examples:
  tools/conformance                                  # all of tempest.api.volume
  tools/conformance 'test_volumes_(get|list)'        # what the expression is found in
  tools/conformance --slice                          # what CI runs
  tools/conformance --keep DIR --write-known-failures
  eval "$(tools/services up mariadb rabbitmq ceph keystone glance)"
  tools/conformance --root $BLOCKCTL_SERVICES_ROOT test_volumes_get    # servers stay up between runs

exit code: 0 all is as tests/conformance/known-failures.txt says, 1 it is not, 2 the run could not be made
"""

HOW_TO_REACH = """\
blockctl serves on {endpoint}, beside Keystone {auth_url}. Its logs: {logs}
To talk to it, in another shell:

    . {root}/openrc admin
    {openstack} volume type list

Ctrl-C (or SIGTERM) stops and removes everything."""


def build_parser():
    parser = argparse.ArgumentParser(
        prog='tools/conformance', epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter,
        description='Run tempest, the API tests of OpenStack, against blockctl on real servers, which are started for '
                    'it and removed at the end. tox -e tempest makes an environment for this and calls it.')
    parser.add_argument('expressions', nargs='*', default=[selection.DEFAULT], metavar='REGEX',
                        help=f'tests of {selection.SCOPE} in whose id it is found (default: all)')
    parser.add_argument('--slice', action='store_true', help=f'the tests of {plan.CI_SLICE.name} instead')
    parser.add_argument('--list', action='store_true', help='print the ids of the tests, and run nothing')
    parser.add_argument('--serve', action='store_true', help='start everything, say how to reach it, run no tests')
    parser.add_argument('--concurrency', type=_positive, default=plan.Plan.concurrency, metavar='N',
                        help='tests at a time (%(default)s)')
    parser.add_argument('--storage', choices=tuple(cloud.STORAGES), default=plan.Plan.storage,
                        help='what the two backends are kept on; lvm lies in a virtual machine (%(default)s)')
    parser.add_argument('--root', type=pathlib.Path, metavar='DIR',
                        help='use the servers of this root of tools/services, and leave them')
    parser.add_argument('--keep', type=pathlib.Path, metavar='DIR', help='leave results and logs there')
    parser.add_argument('--write-known-failures', action='store_true',
                        help=f'make {plan.KNOWN_FAILURES.name} true for the tests that were run; a line that is new '
                             'has no reason: you write that')
    return parser


def main(argv=None):
    """Exit code: see the epilogue of --help."""
    options = build_parser().parse_args(argv)
    wanted = plan.Plan(tuple(options.expressions), options.slice, options.root, options.keep and options.keep.resolve(),
                       options.concurrency, options.storage)
    try:
        with interrupts.end_in_order():
            if options.list:
                return _list(wanted)
            if options.serve:
                return _serve(wanted)
            return _run(wanted, options.write_known_failures)
    except EXPECTED as error:
        print(f'conformance: {error}', file=sys.stderr)
        return 2


def _positive(text):
    if not (text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError(f'{text!r} is not a number from 1 on')
    return int(text)


def _list(wanted):
    with tempfile.TemporaryDirectory(prefix='bct-') as directory:
        tests, _ = plan.choose(wanted, plan.workspace(directory))
    print('\n'.join(tests))
    return 0


def _serve(wanted):
    openstack = plan.venv.make() / 'openstack'
    with cloud.running(root=wanted.root, logs=wanted.logs, storage=wanted.storage) as made:
        print(HOW_TO_REACH.format(
            endpoint=made.endpoint, auth_url=made.auth_url, logs=made.installation.directory,
            root=made.environment['BLOCKCTL_SERVICES_ROOT'], openstack=openstack), flush=True)
        signal.pause()  # until one that raises SystemExit
    return 0


def _run(wanted, write):
    text = plan.KNOWN_FAILURES.read_text()
    known = known_failures.parse(text)
    without_reason = ', '.join(known_failures.unexplained(known))
    if without_reason and not write:
        raise known_failures.BadList(f'{plan.KNOWN_FAILURES.name} gives no reason for {without_reason}')
    outcome = plan.carry_out(wanted, known, lambda result: print(report.progress(result, known), flush=True))
    print('\n'.join(report.whole(outcome, known)))
    if write:
        plan.KNOWN_FAILURES.write_text(known_failures.updated(text, outcome.all_found, outcome.every_test))
        print(f'{plan.KNOWN_FAILURES} is written')
        return 0
    return 0 if outcome.verdict.good else 1

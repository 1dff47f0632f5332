# SPDX-License-Identifier: Apache-2.0
"""Options of ``tools/compare``, and what happens from the first to the last."""

import argparse
import concurrent.futures
import os
import sys
import uuid

from benchmarks import http_api
from benchmarks import keystone
from comparing import differences
from comparing import masking
from comparing import report
from comparing import scripts
from comparing import sides

EXPECTED = (scripts.ScriptError, sides.NoAnswer)

EPILOG = """\
examples:
  tools/compare --left http://127.0.0.1:8776/v3 --right http://127.0.0.1:8786/v3 tests/conformance/requests/*.yaml
  tools/compare --left http://127.0.0.1:8776/v3 --right http://127.0.0.1:8786/v3 --right-noauth FILE
  tools/compare --left http://127.0.0.1:8776/v3 --show FILE
Keystone is what the OS_ variables of the environment name. The account of the user 'member' of a request file is
given as --account member=USER:PROJECT[:PASSWORD]; steps of users without an account are left out.
exit code: 0 no difference that is not allowed, 1 some, 2 nothing compared
"""


class UsageError(Exception):
    """Options that do not go together."""


def parse_account(text):
    """(user of the scripts, (user name, project name, password or None)) of ``USER=NAME:PROJECT[:PASSWORD]``."""
    user, equals, rest = text.partition("=")
    parts = rest.split(":", 2)
    if user not in scripts.USERS or not equals or len(parts) < 2 or not all(parts):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not {{{','.join(scripts.USERS)}}}=NAME:PROJECT[:PASSWORD]")
    return user, (parts[0], parts[1], parts[2] if len(parts) > 2 else None)


def parse_kinds(text):
    """The set of KINDS of ``KIND[,KIND]``."""
    kinds = frozenset(text.split(","))
    if not kinds <= set(differences.KINDS):
        raise argparse.ArgumentTypeError(f"{text!r}: the kinds are {', '.join(differences.KINDS)}")
    return kinds


def _url(text):
    try:
        return http_api.checked_url(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def build_parser():
    """All options; those of Keystone default to the usual OS_ variables of the environment."""
    env = os.environ.get
    parser = argparse.ArgumentParser(
        prog="tools/compare", epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Send the same scripted requests to two endpoints that speak the Block Storage API and print "
                    "where their answers differ; ids, times, hosts and addresses are masked.")
    parser.add_argument("files", nargs="+", metavar="REQUEST-FILE")
    for side in ("left", "right"):
        group = parser.add_argument_group(f"the {side} endpoint")
        group.add_argument(f"--{side}", type=_url, metavar="URL", help="up to and with /v3")
        group.add_argument(f"--{side}-noauth", action="store_true",
                           help="it asks no Keystone, and takes everybody for an administrator")
        group.add_argument(f"--{side}-auth-url", type=_url, metavar="URL", help="its own Keystone")
        group.add_argument(f"--{side}-account", type=parse_account, action="append", default=[],
                           metavar="USER=NAME:PROJECT[:PASSWORD]", help="as --account, there only")
    both = parser.add_argument_group("both")
    both.add_argument("--os-auth-url", type=_url, metavar="URL", default=env("OS_AUTH_URL"))
    both.add_argument("--os-username", default=env("OS_USERNAME"), help="the account of the user 'admin'")
    both.add_argument("--os-project-name", default=env("OS_PROJECT_NAME"))
    both.add_argument("--os-password", default=env("OS_PASSWORD"), help="better given as OS_PASSWORD")
    both.add_argument("--os-domain-id", default=env("OS_USER_DOMAIN_ID", "default"))
    both.add_argument("--account", type=parse_account, action="append", default=[],
                      metavar="USER=NAME:PROJECT[:PASSWORD]")
    both.add_argument("--project", default=uuid.uuid4().hex, metavar="ID", help="project where there is no Keystone")
    out = parser.add_argument_group("what is printed")
    out.add_argument("--show", action="store_true",
                     help="print all answers of the sides that are given; compare nothing")
    out.add_argument("--without", type=parse_kinds, default=frozenset(), metavar="KIND[,KIND]",
                     help=f"leave out differences of these kinds: {', '.join(differences.KINDS)}")
    return parser


def main(argv=None):
    """Exit code: see the epilogue of --help."""
    options = build_parser().parse_args(argv)
    try:
        read = [scripts.load(path) for path in options.files]
        given = [_side(options, name) for name in ("left", "right") if getattr(options, name)]
        if options.show:
            _need(given, "--show needs --left or --right")
            return _show(read, given)
        _need(len(given) == 2, "--left and --right are needed, or one of them with --show")
        return _compare(read, given, options.without)
    except (UsageError, *EXPECTED) as error:
        print(f"compare: {error}", file=sys.stderr)
        return 2


def _need(condition, text):
    if not condition:
        raise UsageError(text)


def _side(options, name):
    url = getattr(options, name)
    if getattr(options, f"{name}_noauth"):
        return sides.without_keystone(name, url, options.project)
    auth_url = getattr(options, f"{name}_auth_url") or options.os_auth_url
    _need(auth_url, f"--os-auth-url is needed, or --{name}-noauth")
    accounts = {"admin": (options.os_username, options.os_project_name, options.os_password)}
    accounts.update(options.account)
    accounts.update(getattr(options, f"{name}_account"))
    logins = {}
    for user, (username, project, password) in accounts.items():
        password = password or options.os_password
        _need(username and project and password, f"{name}, {user}: user name, project and password are needed")
        logins[user] = keystone.Login(auth_url, username, password, project, options.os_domain_id, options.os_domain_id)
    return sides.with_keystone(name, url, logins)


def _run(script, given):
    """[(answers, mask)] of each side; they run side by side."""
    run = uuid.uuid4().hex[:8]
    with concurrent.futures.ThreadPoolExecutor(len(given)) as pool:
        results = list(pool.map(lambda side: side.run(script, run), given))
    return [(answers, _mask(side, saved)) for side, (answers, saved) in zip(given, results, strict=True)]


def _mask(side, saved):
    projects = {f"{user}'s project": account.project for user, account in side.accounts.items()}
    return masking.Mask((side.url, side.root), projects | saved)


def _show(read, given):
    for script in read:
        print(f"#### {script.name}: {script.about}")
        for side, (answers, _) in zip(given, _run(script, given), strict=True):
            for answer in answers:
                print("\n".join(report.shown(answer)) if len(given) == 1 else
                      f"{side.name}: " + "\n".join(report.shown(answer)))
    return 0


def _compare(read, given, without):
    different = 0
    for script in read:
        (left, left_mask), (right, right_mask) = _run(script, given)
        compared = Compared(script, (left_mask, right_mask), without)
        for pair in zip(left, right, strict=True):
            compared.add(*pair)
        different += len(compared.blocks)
        print("\n".join(compared.lines()))
        _tell_left_behind(given, (left, right))
    return 1 if different else 0


class Compared:
    """The comparison of one script's answers, step by step."""

    def __init__(self, script, masks, without):
        self.blocks = []
        self._script = script
        self._masks = masks
        self._without = without
        self._used = set()
        self._alike = self._skipped = self._allowed = 0

    def add(self, left, right):
        """Compare two answers to one step."""
        if left.step.cleanup:
            return
        found = [one for one in differences.between(left, right, self._masks)
                 if one.kind not in self._without and not self._is_allowed(left.step, one)]
        if found:
            self.blocks.append("\n".join(report.block(left.step, left, right, found)))
        elif left.skipped:
            self._skipped += 1
        else:
            self._alike += 1

    def _is_allowed(self, step, difference):
        excuses = [row for row in self._script.allowed if row.covers(step.name, difference.path)]
        self._used.update(excuses)
        self._allowed += bool(excuses)
        return bool(excuses)

    def lines(self):
        """What is printed of it."""
        counts = [f"{self._alike} steps alike", f"{len(self.blocks)} differ"]
        if self._skipped:
            counts.append(f"{self._skipped} asked of neither")
        if self._allowed:
            counts.append(f"{self._allowed} differences allowed")
        yield f"#### {self._script.name}: {', '.join(counts)}"
        yield from self.blocks
        yield from (f"    allowed but not seen: {row.pattern} ({row.reason})"
                    for row in self._script.allowed if row not in self._used)


def _tell_left_behind(given, results):
    for side, answers in zip(given, results, strict=True):
        for answer in answers:
            if answer.step.cleanup and (answer.late or answer.refused):
                print(f"    left behind ({side.name}): {answer.request}: {answer.status}")

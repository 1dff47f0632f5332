# SPDX-License-Identifier: Apache-2.0
"""Options of ``tools/clients``, and what happens from the first to the last."""

import argparse
import concurrent.futures
import contextlib
import json
import os
import pathlib
import subprocess
import sys

from client_calls import page
from client_calls import tables
from conforming import interrupts
from conforming import venv

HERE = pathlib.Path(__file__).resolve().parent
FOLDER = HERE.parents[1] / ".venv-clients"
#: The clients the page speaks of.
REQUIREMENTS = ("openstacksdk==4.22.0", "python-cinderclient==9.10.0", "python-openstackclient==10.5.0")

EPILOG = """\
examples:
  tools/clients                                     # all, on servers that are started for it
  tools/clients --client openstack --only 'volume snapshot *'
  tools/clients --write-doc
  . openrc; tools/clients --given --tidy            # the cloud of the OS_ variables, whoever made it
exit code: 0 all that can work does, 1 something does not, 2 the run could not be made
"""


class RunFailed(Exception):
    """The clients could not be tried; the text says why."""


def build_parser():
    parser = argparse.ArgumentParser(
        prog="tools/clients", epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Run every command of openstack and cinder and every block storage call of openstacksdk, each on "
                    "its happy path and with a bad argument, as tests/conformance/clients says. tox -e clients makes "
                    "an environment for this and calls it.")
    parser.add_argument("--client", nargs="+", choices=tables.CLIENTS, default=tables.CLIENTS)
    parser.add_argument("--only", metavar="PATTERN", default="*", help="commands that it fits ('volume snapshot *')")
    parser.add_argument("--all", action="store_true", help="also what needs a part that is not there yet")
    parser.add_argument("--given", action="store_true", help="use the cloud of the OS_ variables; start nothing")
    parser.add_argument("--tidy", action="store_true", help="remove what was made (a cloud of our own goes anyway)")
    parser.add_argument("--root", type=pathlib.Path, metavar="DIR",
                        help="use the servers of this root of tools/services, and leave them")
    parser.add_argument("--keep", type=pathlib.Path, metavar="DIR", help="leave the services' logs there")
    parser.add_argument("--python", metavar="FILE", help="a Python that has the clients (default: .venv-clients)")
    parser.add_argument("--write-doc", action="store_true", help=f"write the tables of {page.PAGE.name}")
    return parser


def main(argv=None):
    """Exit code: see the epilogue of --help."""
    options = build_parser().parse_args(argv)
    if options.write_doc and (set(options.client) != set(tables.CLIENTS) or options.only != "*"):
        print("clients: --write-doc needs a run of everything", file=sys.stderr)
        return 2
    try:
        with interrupts.end_in_order(), contextlib.ExitStack() as ends:
            python = options.python or venv.make(FOLDER, REQUIREMENTS) / "python"
            account = _given() if options.given else ends.enter_context(_own(options))
            outcome = _try(options, python, account)
    except (RunFailed, venv.VenvFailed, tables.TableError, AssertionError, OSError) as error:
        print(f"clients: {error}", file=sys.stderr)
        return 2
    return _report(outcome, options.write_doc)


def _given():
    env = os.environ.get
    account = {"auth_url": env("OS_AUTH_URL"), "username": env("OS_USERNAME"), "password": env("OS_PASSWORD"),
               "project": env("OS_PROJECT_NAME")}
    missing = [f"OS_{name.upper()}" for name, value in account.items() if not value]
    if missing:
        raise RunFailed(f"--given needs {', '.join(missing)} (with OS_PROJECT_NAME)")
    return account


@contextlib.contextmanager
def _own(options):
    """A cloud for this run alone; gives an administrator's account."""
    from conforming import cloud  # needs blockctl's own environment, which --given does not
    logs = options.keep and options.keep.resolve()
    try:
        with cloud.running(root=options.root, logs=logs) as made:
            yield {"auth_url": made.auth_url, "username": "admin", "password": made.password, "project": "admin"}
    except cloud.ServersFailed as error:
        raise RunFailed(str(error)) from error


def _try(options, python, account):
    """{client: results}; the clients are tried side by side."""
    given = {**account, "only": options.only, "all": options.all, "tidy": options.tidy}
    with concurrent.futures.ThreadPoolExecutor(len(options.client)) as pool:
        runs = {client: pool.submit(_run, python, client, given) for client in tables.CLIENTS
                if client in options.client}
        return {client: run.result() for client, run in runs.items()}


def _run(python, client, given):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
    environment |= {
        "OS_AUTH_URL": given["auth_url"], "OS_USERNAME": given["username"], "OS_PASSWORD": given["password"],
        "OS_PROJECT_NAME": given["project"], "OS_USER_DOMAIN_ID": "default", "OS_PROJECT_DOMAIN_ID": "default",
        "OS_IDENTITY_API_VERSION": "3", "OS_REGION_NAME": os.environ.get("OS_REGION_NAME", "RegionOne"),
        "PYTHONDONTWRITEBYTECODE": "1"}
    results = []
    with subprocess.Popen([python, HERE / "worker.py", client, json.dumps(given)], env=environment, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        try:
            for line in process.stdout:
                results.append(json.loads(line))
                if "command" in results[-1]:
                    print(f"{client} {results[-1]['command']}: {page.words(results[-1])}", flush=True)
        except BaseException:
            process.terminate()
            raise
    if process.returncode != 0 or not results:
        raise RunFailed(f"the worker of {client} ended with {process.returncode}")
    head, *rows = results
    for word in ("forgotten", "unknown"):
        if head[word]:
            raise RunFailed(f"{client}.yaml and the installed client differ: {word}: {', '.join(head[word])}")
    return rows


def _report(outcome, write):
    lines = [line for client, results in outcome.items() for line in page.failures(client, results)]
    print("\n".join([*lines, *(page.summary(client, results) for client, results in outcome.items())]))
    if write:
        page.PAGE.write_text(page.written(page.PAGE.read_text(encoding="utf-8"), outcome), encoding="utf-8")
        print(f"{page.PAGE} is written")
    return 1 if lines else 0

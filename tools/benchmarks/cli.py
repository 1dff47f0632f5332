# SPDX-License-Identifier: Apache-2.0
"""Options of ``tools/bench``, and what happens from the first to the last."""

import argparse
import contextlib
import datetime
import os
import pathlib
import signal
import sys

from benchmarks import cleanup
from benchmarks import figures
from benchmarks import http_api
from benchmarks import keystone
from benchmarks import plan
from benchmarks import processes
from benchmarks import quotas
from benchmarks import seeding
from benchmarks import startup
from benchmarks import tables
from benchmarks import workload

EXTRAS = ("snapshots", "clones", "attachments")
MOST_NOTES = 12


class UsageError(Exception):
    """Options that do not go together."""


# Whatever of these ends a run is a plain message, never a traceback.
EXPECTED = (UsageError, http_api.RequestFailed, keystone.NotAuthenticated, processes.NoSuchProcess,
            quotas.QuotaTooSmall, seeding.SeedingRefused, startup.NotHealthy, figures.NotAReport,
            workload.Stopped, OSError)

EPILOG = """\
examples:
  tools/bench --no-auth --endpoint http://127.0.0.1:8776/v3/PROJECT --services all=PID
  tools/bench --os-auth-url URL --os-username U --os-project-name P --json run.json --label blockctl \\
      --services api=@api.pid scheduler=@scheduler.pid volume=@volume.pid --peers mariadb=@mysqld.pid \\
      --seed-sql-url mysql+pymysql://USER:PASSWORD@127.0.0.1/DB --with snapshots clones attachments
  tools/bench --start api='blockctl-api --config-file FILE' --healthy http://127.0.0.1:8776/healthcheck
  tools/bench --compare reference.json run.json --format rst
"""


def parse_rates(text):
    """((clients, count), ...) of ``CLIENTS:COUNT[,...]``."""
    rates = []
    for word in text.split(","):
        clients, colon, count = word.partition(":")
        if not (colon and clients.isdecimal() and count.isdecimal() and 0 < int(clients) <= int(count)):
            raise argparse.ArgumentTypeError(f"{word!r} is not CLIENTS:COUNT with 1 <= CLIENTS <= COUNT")
        rates.append((int(clients), int(count)))
    if len({clients for clients, _ in rates}) != len(rates):
        raise argparse.ArgumentTypeError("one number of clients is there twice")
    return tuple(rates)


def parse_levels(text):
    """Numbers of rows, of ``ROWS[,...]``."""
    words = text.split(",")
    if not all(word.isdecimal() and int(word) > 0 for word in words):
        raise argparse.ArgumentTypeError(f"{text!r} is not ROWS[,...]")
    return tuple(sorted({int(word) for word in words}))


def _checked(parse):
    """A type for argparse that shows the message of ``parse``'s ValueError."""
    def convert(text):
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error
    return convert


def build_parser():
    """All options; those of Keystone default to the usual OS_ variables of the environment."""
    env = os.environ.get
    parser = argparse.ArgumentParser(
        prog="tools/bench", epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Measure any endpoint that speaks the Block Storage API, and print one table. It makes "
                    "volumes of 1 GiB in one project and takes them all away again, on interrupt (once) too.")
    where = parser.add_argument_group("endpoint and user")
    where.add_argument("--endpoint", type=_checked(http_api.checked_url), metavar="URL",
                       help="URL up to /v3 or to the project id (default: from the catalog)")
    where.add_argument("--no-auth", action="store_true",
                       help="no Keystone; --endpoint must end in the project id")
    where.add_argument("--os-auth-url", type=_checked(http_api.checked_url), metavar="URL",
                       default=env("OS_AUTH_URL"))
    where.add_argument("--os-username", default=env("OS_USERNAME"))
    where.add_argument("--os-password", default=env("OS_PASSWORD"), help="better given as OS_PASSWORD")
    where.add_argument("--os-project-name", default=env("OS_PROJECT_NAME"))
    where.add_argument("--os-user-domain-id", default=env("OS_USER_DOMAIN_ID", "default"))
    where.add_argument("--os-project-domain-id", default=env("OS_PROJECT_DOMAIN_ID", "default"))
    where.add_argument("--os-region-name", default=env("OS_REGION_NAME"))
    where.add_argument("--microversion", default="3.71", help="(3.71)")
    where.add_argument("--type", help="volume type (default: the server's)")

    what = parser.add_argument_group("what is measured")
    sizes = plan.Sizes()
    what.add_argument("--services", nargs="+", action="extend", default=[], metavar="NAME=PID[,PID]",
                      type=_checked(processes.parse_group), help="process trees to count CPU and memory of; "
                      "@FILE for a pid reads a pid file")
    what.add_argument("--peers", nargs="+", action="extend", default=[], metavar="NAME=PID[,PID]",
                      type=_checked(processes.parse_group),
                      help="others (database, broker): CPU, shown apart")
    what.add_argument("--alone", type=int, default=sizes.alone, metavar="N",
                      help=f"creates and deletes alone ({sizes.alone})")
    what.add_argument("--rates", type=parse_rates, default=sizes.rates, metavar="CLIENTS:COUNT,...",
                      help="creates in a closed loop (1:40,8:120,32:128)")
    what.add_argument("--cpu", type=int, default=sizes.cpu, metavar="N",
                      help=f"creates and deletes whose CPU time is taken ({sizes.cpu}; at least {plan.PAGE})")
    what.add_argument("--shows", type=int, default=sizes.shows, metavar="N", help=f"({sizes.shows})")
    what.add_argument("--lists", type=int, default=sizes.lists, metavar="N", help=f"({sizes.lists})")
    what.add_argument("--with", dest="extras", nargs="+", action="extend", default=[], choices=EXTRAS,
                      help="latency and CPU time of these too: snapshots and clones made and deleted; attachments "
                      "made and deleted, bare and with a host that is connected and has the volume")
    what.add_argument("--quick", action="store_true", help="a tenth of everything: to see that it works")

    seed = parser.add_argument_group("many rows (SQLAlchemy is needed)")
    seed.add_argument("--seed-sql-url", metavar="URL", help="database of the server, as an SQLAlchemy URL")
    seed.add_argument("--seed-dialect", choices=sorted(seeding.SCHEMAS), default="blockctl",
                      help="whose tables they are (blockctl)")
    seed.add_argument("--levels", type=parse_levels, default=sizes.levels, metavar="ROWS,...",
                      help="(10,1000,5000,50000)")

    start = parser.add_argument_group("time from exec to healthy (alone, or after the rest)")
    start.add_argument("--start", nargs="+", action="extend", default=[], metavar="NAME=COMMAND",
                       type=_checked(startup.parse_command), help="started together, without a shell")
    start.add_argument("--healthy", nargs="+", action="extend", default=[], metavar="URL",
                       type=_checked(startup.checked_entry),
                       help="until this answers 200; or services:BINARY[:COUNT],... until os-services shows "
                       "them up")
    start.add_argument("--start-runs", type=int, default=5, metavar="N",
                       help="(5) after one that is not counted and warms the caches")

    out = parser.add_argument_group("result")
    out.add_argument("--format", choices=tables.FORMATS, default="text")
    out.add_argument("--details", action="store_true",
                     help="CPU time by service in the table too (JSON always has it)")
    out.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write the report there as well")
    out.add_argument("--append", action="store_true",
                     help="keep the other figures of that file (those of --start and of the load, as a rule)")
    out.add_argument("--label", default="this", help="what --compare calls this run")
    out.add_argument("--compare", nargs=2, type=pathlib.Path, metavar=("A.json", "B.json"),
                     help="measure nothing; print A, B and how many times B is better")
    out.add_argument("--timeout", type=float, default=120.0, metavar="S",
                     help="for one volume to get there (120)")
    out.add_argument("--max-seconds", type=float, default=1800.0, metavar="S",
                     help="for the whole run, without its clean-up (1800)")
    return parser


def main(argv=None):
    """Exit code: 0 all well, 1 some operations failed or something is left behind, 2 nothing measured."""
    options = build_parser().parse_args(argv)
    try:
        if options.compare:
            first, second = (figures.load(path.read_text()) for path in options.compare)
            sys.stdout.write(tables.compare(first, second, _table_form(options), options.details))
            return 0
        return _measure(options)
    except EXPECTED as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2


def _table_form(options):
    if options.format == "json":
        raise UsageError("--compare prints text or rst")
    return options.format


def _say(text):
    print(f"bench: {text}", file=sys.stderr)


def _measure(options):
    if bool(options.start) != bool(options.healthy):
        raise UsageError("--start and --healthy go together")
    load = bool(options.endpoint or options.services) or not options.start
    client, project_id = _connect(options) if load or options.os_auth_url else (None, None)
    report = figures.Report(options.label, _about(options, client))
    run = workload.Run(client, options.type, options.timeout, options.max_seconds, _say)
    left = []
    with contextlib.ExitStack() as stack:
        stack.enter_context(_stopping_on_signals(run))
        if client:
            stack.callback(client.close)
        if load:
            left = _load(options, run, report, project_id)
        if options.start:
            _starts(options, run, report)
    return _finish(options, run, report, left)


def _connect(options):
    """(client, project id) of the options."""
    headers = {"OpenStack-API-Version": f"volume {options.microversion}"}
    if options.no_auth:
        if not options.endpoint:
            raise UsageError("--no-auth needs --endpoint, with the project id")
        endpoint = options.endpoint.rstrip("/")
        # What OpenStack clients send when told to use no authentication.
        return http_api.Client(endpoint, {**headers, "X-Auth-Token": "notused"}), endpoint.rsplit("/", 1)[-1]
    missing = [name for name in ("os_auth_url", "os_username", "os_password", "os_project_name")
               if not getattr(options, name)]
    if missing:
        names = " and ".join("--" + name.replace("_", "-") for name in missing)
        raise UsageError(f"without --no-auth, {names} must be given")
    token = keystone.authenticate(keystone.Login(
        options.os_auth_url, options.os_username, options.os_password, options.os_project_name,
        options.os_user_domain_id, options.os_project_domain_id, options.os_region_name))
    endpoint = options.endpoint or token.endpoint
    if not endpoint:
        raise UsageError("no block storage service in the catalog: give --endpoint")
    return (http_api.Client(keystone.with_project(endpoint, token.project_id),
                            {**headers, "X-Auth-Token": token.id}), token.project_id)


def _about(options, client):
    return {"when": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "endpoint": client and client.endpoint, "microversion": options.microversion,
            "type": options.type,
            "levels": list(options.levels), "rates": [list(rate) for rate in options.rates],
            "machine": processes.describe_machine()}


def _sizes(options):
    sizes = plan.Sizes(alone=options.alone, rates=options.rates, cpu=options.cpu, shows=options.shows,
                       lists=options.lists, levels=options.levels)
    if not options.quick:
        return sizes
    rates = tuple((clients, max(clients, count // 10)) for clients, count in sizes.rates)
    return plan.Sizes(alone=3, rates=rates, cpu=plan.PAGE, shows=20, lists=10, big_lists=2, walks=1, cycles=8,
                      idle=1.0, levels=sizes.levels)


def _load(options, run, report, project_id):
    """All that needs a running server. Returns what could not be taken away again."""
    sizes = _sizes(options)
    services = processes.Meter(dict(options.services)) if options.services else None
    peers = processes.Meter(dict(options.peers)) if options.peers else None
    with contextlib.ExitStack() as stack:
        seeder = None
        if options.seed_sql_url:
            seeder = seeding.Seeder(options.seed_sql_url, seeding.SCHEMAS[options.seed_dialect])
            stack.callback(seeder.close)
        limits = quotas.lift(run.client, project_id, sizes.most_volumes)
        try:
            plan.Plan(run, report, sizes, services, peers).everything(seeder, options.extras)
        except EXPECTED as error:
            report.notes.append(f"ended early: {error}")
            run.failed(str(error))
        finally:
            left = _clean_up(run, project_id, limits)
    return left


def _clean_up(run, project_id, limits):
    """Take away what the run made, put the quota back; the table is printed even when the server is gone."""
    run.say("cleaning up")
    try:
        left = cleanup.sweep(run)
        quotas.restore(run.client, project_id, limits)
    except http_api.RequestFailed as error:
        run.failed(f"clean-up: {error}")
        return [f"what is named {run.prefix}-*", *([f"quota, which was {limits}"] if limits else [])]
    return left


def _starts(options, run, report):
    starter = startup.Starter(options.start, options.healthy, run.client, run.timeout, run.check)
    run.say("start, not counted")
    starter.measure()
    rounds = []
    for number in range(options.start_runs):
        run.say(f"start {number + 1} of {options.start_runs}")
        rounds.append(starter.measure())
    names = ", ".join(name for name, _ in options.start)
    for index, entry in enumerate(options.healthy):
        seconds = [times[index] for times in rounds]
        for word, value in (("median", figures.percentile(seconds, 50)), ("best", min(seconds))):
            report.add(f"start.{names}.{index}.{word}", f"From exec of {names}",
                       f"until {startup.title(entry)}, {word}", "s", value, n=len(seconds))


def _finish(options, run, report, left):
    for text in dict.fromkeys(" ".join(error.split())[:250] for error in run.errors):
        if len(report.notes) < MOST_NOTES:
            report.notes.append(f"failure: {text}")
    if left:
        report.notes.append(f"left behind: {', '.join(left)}")
    if options.json:
        if options.append and options.json.exists():
            report.join(figures.load(options.json.read_text()))
        options.json.write_text(report.to_json())
    sys.stdout.write(tables.render(report, options.format, options.details))
    return 1 if run.errors or left or report.failed else 0


@contextlib.contextmanager
def _stopping_on_signals(run):
    """The first SIGINT or SIGTERM ends the run in order; a second one of the same kind as the system does."""
    def stop(number, frame):
        run.stop.set()
        signal.signal(number, signal.SIG_DFL)
        _say("interrupted: taking everything away again (once more to leave it)")

    former = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)

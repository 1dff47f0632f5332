# SPDX-License-Identifier: Apache-2.0
"""blockctl-manage: what an operator does by hand.

Exit status: 0 all is well, 1 a check found something, 2 it could not be done.
"""

import argparse
import json
import sys

from blockctl import context
from blockctl import exceptions
from blockctl.cmd import process
from blockctl.db import checks as db_checks
from blockctl.db import jobs as db_jobs
from blockctl.db import schema
from blockctl.db import services as db_services
from blockctl.volume import checks as volume_checks
from blockctl.volume import service as volume_service


def db_sync(app, ctx, args):
    """bring the database to this release's schema"""
    schema.sync(app.db, app.conf.default_volume_type)
    return ('Version',), [(schema.HEAD,)], 0


def db_version(app, ctx, args):
    """show the schema's version, and this release's"""
    return ('Database', 'Release'), [(schema.version(app.db) or 'empty', schema.HEAD)], 0


def service_list(app, ctx, args):
    """list services, and whether a process serves them"""
    with ctx.reading():
        rows = db_services.everything(ctx)
    down = app.conf.service_down_time

    def state(row):
        return 'up' if row.last_beat and (row.now - row.last_beat).total_seconds() < down else 'down'

    return ('Binary', 'Host', 'Zone', 'Status', 'State', 'Last beat'), [
        (row.binary, row.host, row.availability_zone, 'disabled' if row.disabled else 'enabled', state(row),
         str(row.last_beat or '')) for row in rows], 0


def pool_check(app, ctx, args):
    """compare every backend of this configuration with the rows that name it; changes nothing"""
    found = []
    for name in app.conf.enabled_backends:
        driver, section = volume_service.load_driver(app.conf, name)
        driver.start()
        try:
            found += volume_checks.compare(ctx, section, driver)
        finally:
            driver.stop()
    with ctx.reading():
        drift = db_checks.claims(ctx)
    rows = [(d.what, d.pool, d.name, d.detail) for d in found]
    rows += [('claimed', pool, '', f'{recorded} GiB recorded, rows add up to {counted} GiB')
             for pool, recorded, counted in drift]
    return ('Difference', 'Pool', 'Name', 'Detail'), rows, 1 if rows else 0


def quota_check(app, ctx, args):
    """compare quota usage with the rows; changes nothing"""
    with ctx.reading():
        rows = db_checks.usage(ctx)
    return ('Project', 'Resource', 'Recorded', 'Counted'), rows, 1 if rows else 0


def job_list(app, ctx, args):
    """list live jobs, oldest first"""
    with ctx.reading():
        rows = db_jobs.live(ctx, args.limit)
    return ('Id', 'Kind', 'Resource', 'Topic', 'Direction', 'Owner', 'Lease until', 'Tries', 'Takeovers', 'Created'), [
        (row.id, row.kind, row.resource_id, row.topic, row.direction, row.owner or '', str(row.lease_until or ''),
         row.tries, row.takeovers, str(row.created_at)) for row in rows], 0


COMMANDS = {
    'db': {'sync': db_sync, 'version': db_version},
    'service': {'list': service_list},
    'pool': {'check': pool_check},
    'quota': {'check': quota_check},
    'job': {'list': job_list},
}


def _parser():
    parser = argparse.ArgumentParser(prog='blockctl-manage', description='Manage a blockctl installation.',
                                     epilog='Exit status: 0 all is well, 1 a check found something, 2 failed.')
    parser.add_argument('--config-file', action='append', metavar='FILE', help='may be given several times')
    parser.add_argument('--format', choices=('table', 'json'), default='table')
    nouns = parser.add_subparsers(metavar='NOUN', required=True)
    for noun, verbs in COMMANDS.items():
        actions = nouns.add_parser(noun, help=', '.join(verbs)).add_subparsers(metavar='VERB', required=True)
        for verb, function in verbs.items():
            action = actions.add_parser(verb, help=function.__doc__, description=function.__doc__)
            action.set_defaults(function=function)
            if function is job_list:
                action.add_argument('--limit', type=int, default=100)
    return parser


def main():
    args = _parser().parse_args()
    files = [word for path in args.config_file or () for word in ('--config-file', path)]
    conf = process.configure(['blockctl-manage', *files])
    app = process.compose(conf)
    ctx = context.Context(app, is_admin=True, overwrite=True)
    try:
        heading, rows, status = args.function(app, ctx, args)
    except exceptions.Error as error:
        print(f'blockctl-manage: {error}', file=sys.stderr)
        return 2
    finally:
        app.db.dispose()
    _show(args.format, heading, rows)
    return status


def _show(form, heading, rows):
    if form == 'json':
        print(json.dumps([dict(zip(heading, row, strict=True)) for row in rows], default=str, indent=2))
        return
    lines = [heading, *[[str(cell) for cell in row] for row in rows]]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heading))]
    for line in lines:
        print('  '.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


if __name__ == '__main__':
    sys.exit(main())

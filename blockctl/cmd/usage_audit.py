# SPDX-License-Identifier: Apache-2.0
"""blockctl-volume-usage-audit: tells listeners what there was in the last period, as a basis for bills.

For every volume and snapshot that was there it emits ``volume.exists`` or ``snapshot.exists``; with ``--send_actions``
also that it was created or deleted, if that was in the period.
"""

import argparse
import collections
import datetime

from blockctl import exceptions
from blockctl.cmd import answers
from blockctl.db import usage
from blockctl.flows import notifications

PROGRAM = 'blockctl-volume-usage-audit'

#: Rows that are read at a time; the next ones are when all has been sent that is told of these.
AT_ONCE = 200

_TIME = '%Y-%m-%d %H:%M:%S'

#: Kind of thing -> (how its events are emitted, a page of those there are, a page of those that are gone).
_KINDS = (
    (notifications.volume, usage.volume_rows, usage.gone_volumes),
    (notifications.snapshot, usage.snapshot_rows, usage.gone_snapshots),
)


# --- periods
def last_period(text, now):
    """(begin, end) of the last period that is over. Raises InvalidField.

    ``text``: hour, day, month or year, with where it begins as in ``month@15``: minute of the hour, hour of the day,
    day of the month, month of the year.
    """
    unit, _, offset = text.partition('@')
    first, last, begin_of, before = _PERIODS[unit]
    number = int(offset) if offset else first
    if not first <= number <= last:
        raise exceptions.InvalidField(field='volume_usage_audit_period', value=text,
                                      reason=f'A {unit} begins between {first} and {last}.')
    end = begin_of(now.replace(second=0, microsecond=0), number)
    if end > now:
        end = before(end)
    return before(end), end


def _month_before(moment):
    last = moment.replace(day=1) - datetime.timedelta(days=1)
    return moment.replace(year=last.year, month=last.month)


#: Unit -> (first and last place to begin, when it begins in the one of a moment, the beginning of the one before).
#: No month begins later than every month has a day.
_PERIODS = {
    'hour': (0, 59, lambda now, number: now.replace(minute=number),
             lambda moment: moment - datetime.timedelta(hours=1)),
    'day': (0, 23, lambda now, number: now.replace(hour=number, minute=0),
            lambda moment: moment - datetime.timedelta(days=1)),
    'month': (1, 28, lambda now, number: now.replace(day=number, hour=0, minute=0), _month_before),
    'year': (1, 12, lambda now, number: now.replace(month=number, day=1, hour=0, minute=0),
             lambda moment: moment.replace(year=moment.year - 1)),
}


# --- the audit
def audit(ctx, begin, end, send_actions):
    """Emit what is to be told of the period. Returns {event: how often}."""
    counts = collections.Counter()

    def tell(emit, about, event, first, last):
        emit(ctx, *about, event, audit_period_beginning=str(first), audit_period_ending=str(last))
        counts[f'{emit.__name__}.{event}'] += 1

    for emit, there, gone in _KINDS:
        for about in (*_pages(ctx, there, begin, end), *_pages(ctx, gone, begin, end)):
            row = about[0]
            tell(emit, about, 'exists', begin, end)
            for event, moment in _actions(row) if send_actions else ():
                if begin <= moment < end:
                    tell(emit, about, f'{event}.start', moment, moment)
                    tell(emit, about, f'{event}.end', moment, moment)
    return counts


def _actions(row):
    """(event, when) of what happened to a row."""
    yield 'create', row.created_at
    if getattr(row, 'deleted_at', None) is not None:
        yield 'delete', row.deleted_at


def _pages(ctx, page, begin, end):
    """Every entry, without its place in the order; between two pages all is sent that was emitted."""
    after = None
    while True:
        with ctx.reading():
            found = page(ctx, begin, end, after, AT_ONCE)
        yield from (about for _, *about in found)
        ctx.app.notifier.flush()
        if len(found) < AT_ONCE:
            return
        after = found[-1][0]


# --- the command
def _moment(text):
    try:
        return datetime.datetime.strptime(text, _TIME)  # noqa: DTZ007 - UTC, as all times of the database
    except ValueError:
        raise argparse.ArgumentTypeError(f'{text!r} is not a time such as 2026-08-01 00:00:00') from None


def make_parser():
    parser = argparse.ArgumentParser(
        prog=PROGRAM, description='Emit volume.exists and snapshot.exists for all that was there in a period.',
        epilog='Exit status: 0 all was sent, 1 some was not (the log says why), 2 it could not be done. Times are UTC.')
    parser.add_argument('--config-file', action='append', metavar='FILE', help='may be given several times')
    parser.add_argument('--start_time', type=_moment, metavar='TIME',
                        help='begin of the period; without one, it is the last of volume_usage_audit_period')
    parser.add_argument('--end_time', type=_moment, metavar='TIME', help='end of the period')
    parser.add_argument('--send_actions', action='store_true',
                        help='also tell what was created or deleted in the period')
    parser.add_argument('--format', choices=('table', 'json'), default='table', help='of the output')
    return parser


def main(argv=None):
    args = make_parser().parse_args(argv)
    return answers.give(PROGRAM, args, lambda ctx: run(ctx, args))


def run(ctx, args):
    """The Answer: how often each event was emitted."""
    begin, end = _period(ctx, args)
    if not ctx.app.notifier.wanted():
        raise exceptions.ConfigurationError(
            reason='nobody is to be told: [oslo_messaging_notifications] driver is not set')
    counts = audit(ctx, begin, end, args.send_actions)
    lost = ctx.app.notifier.lost
    return answers.Answer(('Event', 'Emitted'), sorted(counts.items()), answers.FOUND if lost else answers.WELL)


def _period(ctx, args):
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    begin, end = last_period(ctx.conf.volume_usage_audit_period, now)
    begin, end = args.start_time or begin, args.end_time or end
    if begin >= end:
        raise exceptions.InvalidField(field='start_time', value=begin, reason=f'It must be before {end}.')
    return begin, end

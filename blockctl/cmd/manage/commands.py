# SPDX-License-Identifier: Apache-2.0
"""The table of commands. doc/source/reference/commands.rst is made of it (tools/gen_commands)."""

import argparse
import dataclasses
import inspect
import typing

from blockctl.cmd.manage import cluster
from blockctl.cmd.manage import config
from blockctl.cmd.manage import db
from blockctl.cmd.manage import host
from blockctl.cmd.manage import job
from blockctl.cmd.manage import pool
from blockctl.cmd.manage import quota
from blockctl.cmd.manage import scheduler
from blockctl.cmd.manage import service
from blockctl.cmd.manage import volume


@dataclasses.dataclass(frozen=True)
class Command:
    """``function(ctx, args)`` returns the Answer of ``blockctl-manage NOUN VERB``; its docstring is the help.

    ``arguments``: what argparse's add_argument takes, as :func:`argument` has it.
    """

    noun: str
    verb: str
    function: typing.Callable
    arguments: tuple = ()

    @property
    def description(self):
        return inspect.getdoc(self.function)

    @property
    def summary(self):
        return self.description.partition('\n')[0].rstrip('.')


def argument(*names, **options):
    return names, options


def days(text):
    """A number of days, more than none."""
    number = int(text)
    if not 0 < number <= 36500:
        raise argparse.ArgumentTypeError(f'{text} is not between 1 and 36500')
    return number


def count(text):
    """A number of rows, more than none."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f'{text} is less than 1')
    return number


_LIMIT = argument('--limit', type=count, default=100, metavar='N', help='show so many at most')
_PROJECT = argument('--project-id', metavar='PROJECT', help='look at this project only')
_AGE = argument('--age-in-days', type=days, required=True, metavar='DAYS', help='what ended before that goes')
_MAX_COUNT = argument('--max-count', type=count, metavar='N', help='bring over so many rows at most')
_BINARY = argument('binary', metavar='BINARY', help='such as cinder-volume')
_HOST = argument('host', metavar='HOST', help='host, or host@backend')
_CLUSTER = argument('cluster', metavar='CLUSTER', help='its name, with the backend: cluster@backend')
_CLUSTERS = (argument('current', metavar='CURRENT', help='the name it has; its backends follow'),
             argument('new', metavar='NEW', help='the name it is to have'))
_RECURSIVE = argument('--recursive', action='store_true', help='forget its services too')
_ZONE = argument('zone', nargs='?', metavar='ZONE', help='list those of this zone only')
_JOB = argument('job_id', metavar='JOB', help='its id')
_VOLUME = argument('volume_id', metavar='VOLUME', help='its id')
_PLACED = (argument('--volume', metavar='VOLUME', help='the id of a volume'),
           argument('--spec', metavar='FILE', help='a request of your own, - for standard input'))
_OPTION = argument('option', nargs='?', metavar='OPTION', help='list this one only')
_RENAMED = (argument('--currenthost', required=True, metavar='HOST', help='the name that volumes have'),
            argument('--newhost', required=True, metavar='HOST', help='the name they are to have'))

COMMANDS = tuple(Command(*row) for row in (
    # noun, verb, function, arguments
    ('db', 'sync', db.sync),
    ('db', 'version', db.version),
    ('db', 'online_data_migrations', db.online_data_migrations, (_MAX_COUNT,)),
    ('db', 'purge', db.purge, (_AGE,)),
    ('service', 'list', service.show_all),
    ('service', 'remove', service.remove, (_BINARY, _HOST)),
    ('cluster', 'list', cluster.show_all),
    ('cluster', 'remove', cluster.remove, (_RECURSIVE, _BINARY, _CLUSTER)),
    ('cluster', 'rename', cluster.rename, _CLUSTERS),
    ('host', 'list', host.show_all, (_ZONE,)),
    ('volume', 'delete', volume.delete, (_VOLUME,)),
    ('volume', 'update_host', volume.update_host, _RENAMED),
    ('pool', 'check', pool.check),
    ('pool', 'dump', pool.dump),
    ('quota', 'check', quota.check, (_PROJECT,)),
    ('quota', 'sync', quota.sync, (_PROJECT,)),
    ('job', 'list', job.show_live, (_LIMIT,)),
    ('job', 'show', job.show, (_JOB,)),
    ('job', 'retry', job.retry, (_JOB,)),
    ('job', 'abandon', job.abandon, (_JOB,)),
    ('scheduler', 'explain', scheduler.explain, _PLACED),
    ('config', 'list', config.show_all, (_OPTION,)),
))

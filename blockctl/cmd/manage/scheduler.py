# SPDX-License-Identifier: Apache-2.0
"""blockctl-manage scheduler: how a pool is chosen."""

import json
import sys

from blockctl import exceptions
from blockctl.cmd import answers
from blockctl.cmd.answers import Answer
from blockctl.db import jobs as db_jobs
from blockctl.db import snapshots
from blockctl.db import volume_types
from blockctl.db import volumes
from blockctl.flows import volume_create
from blockctl.rpc import volume as volume_rpc
from blockctl.scheduler import explain as explanations
from blockctl.scheduler import pick
from blockctl.scheduler import pools

#: What a file of --spec may say, and the types it may have there.
_FIELDS = {'size': int, 'availability_zone': str, 'extra_specs': dict, 'scheduler_hints': dict, 'excluded': list,
           'volume_type': dict, 'resource_backend': str, 'to': str, 'project_id': str, 'user_id': str}


def explain(ctx, args):
    """Show why pools would, or would not, be chosen now: filter by filter, and the weights with their parts.

    For a volume that is there (--volume), whatever became of it, or for a request of your own (--spec), a JSON object
    with size (GiB) and what else a filter may look at: availability_zone, extra_specs, scheduler_hints, excluded (names
    of pools), to (a pool or backend), resource_backend, volume_type (with its id), project_id. Nothing is claimed.
    Options of the scheduler are those of the configuration that this command reads. Exit status 1: no pool fits.
    """
    if (args.volume is None) == (args.spec is None):
        raise exceptions.InvalidRequest(reason='give either --volume or --spec')
    spec = _of_volume(ctx, args.volume) if args.volume else _of_file(args.spec)
    choice, record = pick.Picker(ctx.conf, pools.Pools()).explain(ctx, spec)
    return Answer(explanations.HEADING, explanations.rows(choice, record), answers.WELL if choice else answers.FOUND)


def _of_volume(ctx, volume_id):
    """What was asked of the scheduler for it, as its job tells while that is kept; else what its row tells."""
    with ctx.reading():
        row = volumes.get(ctx, volume_id)
        asked = {'project_id': row.project_id, 'user_id': row.user_id}
        job = db_jobs.last_of(ctx, volume_create.KIND, volume_id)
        if job is not None:
            return {**job.payload, **asked}
        asked |= {'volume_id': row.id, 'size': row.size, 'availability_zone': row.availability_zone, 'extra_specs':
                  volume_types.extra_specs(ctx, row.volume_type_id) if row.volume_type_id else {},
                  'volume_type': {'id': row.volume_type_id}}
        source = _source(ctx, row)
        return asked | ({'resource_backend': volume_rpc.backend_of(source.host)} if source and source.host else {})


def _source(ctx, row):
    """The volume whose backend it was made on, if that is still there."""
    try:
        if row.snapshot_id:
            return volumes.get(ctx, snapshots.get(ctx, row.snapshot_id).volume_id)
        return volumes.get(ctx, row.source_volid) if row.source_volid else None
    except exceptions.NotFound:
        return None


def _of_file(path):
    try:
        with sys.stdin if path == '-' else open(path, encoding='utf-8') as file:
            spec = json.load(file)
    except (OSError, ValueError) as error:
        raise exceptions.InvalidRequest(reason=f'{path}: {error}') from error
    if not isinstance(spec, dict):
        raise exceptions.InvalidRequest(reason=f'{path} is not a JSON object')
    for name, value in spec.items():
        if name not in _FIELDS:
            raise exceptions.InvalidRequest(reason=f'{path}: {name} is none of {", ".join(_FIELDS)}')
        if value is not None and (not isinstance(value, _FIELDS[name]) or isinstance(value, bool)):
            raise exceptions.InvalidRequest(reason=f'{path}: {name} must be a JSON {_JSON[_FIELDS[name]]}')
    if spec.get('size') is None or spec['size'] < 0:
        raise exceptions.InvalidRequest(reason=f'{path}: size must say how many GiB are asked for')
    if not all(value is None or isinstance(value, str) for value in (spec.get('extra_specs') or {}).values()):
        raise exceptions.InvalidRequest(reason=f'{path}: the values of extra_specs must be strings')
    return spec


_JSON = {int: 'number without a fraction', str: 'string', dict: 'object', list: 'array'}

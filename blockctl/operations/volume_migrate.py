# SPDX-License-Identifier: Apache-2.0
"""Moving a volume to another pool."""

from blockctl import exceptions
from blockctl import states
from blockctl.db import pools
from blockctl.db import volume_moves
from blockctl.db import volume_types
from blockctl.flows import volume_migrate
from blockctl.operations import backends
from blockctl.operations import volumes
from blockctl.states import VOLUME


def migrate(ctx, volume_id, host=None, cluster=None, force_host_copy=False, lock_volume=False):
    """Accept that a volume moves to ``host`` (host@backend, or a pool of it), or to ``cluster``.

    ``force_host_copy``: by qemu-img, though the driver could do it; ``lock_volume``: nobody may use it meanwhile.

    ==================================  =======================  ==========================================
    condition                           error                    what the caller should do
    ==================================  =======================  ==========================================
    not exactly one of host, cluster    InvalidRequest           give one
    no such host, or it is down         InvalidHost              choose one of the list of pools
    its state forbids it, or it has     VolumeCannotMove         see its message
    snapshots, a group, a server
    it is there already                 VolumeCannotMove         choose another
    another request is faster           InvalidState             look at it again
    ==================================  =======================  ==========================================
    """
    wanted = backends.one(host, cluster)
    with ctx.reading():
        row = volumes.visible(ctx, volume_id, 'volume_extension:volume_admin_actions:migrate_volume')
        place = backends.place(ctx, host, cluster)
        if not backends.serves(ctx, place):
            raise exceptions.InvalidHost(host=wanted)
        _check(ctx, row)
        _check_place(ctx, row, place)
        volume_type = volume_types.get(ctx, row.volume_type_id) if row.volume_type_id else None
        specs = volume_types.extra_specs(ctx, row.volume_type_id) if row.volume_type_id else {}
    event = 'migrate.lock' if lock_volume else 'migrate'
    volume_migrate.migrate_volume(ctx, row, volume_migrate.payload_of(
        row, VOLUME.moves[event].target or row.status, volume_type, specs, to=place, force_host_copy=force_host_copy),
        lock_volume)


def _check(ctx, row):
    reasons = [text for wrong, text in (
        (row.status not in VOLUME.moves['migrate'].sources,
         f'its status is {row.status}; it must be {" or ".join(VOLUME.moves["migrate"].sources)}'),
        (row.attach_status != 'detached', 'it is attached, and only the server could move what it uses'),
        (row.migration_status not in states.NOT_MIGRATING, 'it is migrating already'),
        (row.group_id is not None, 'it is part of a group'),
        (volume_moves.has_snapshots(ctx, row.id), 'it has snapshots'),
        (row.host is None, 'no storage has it')) if wrong]
    if reasons:
        raise exceptions.VolumeCannotMove(volume_id=row.id, reason='; '.join(reasons))


def _check_place(ctx, row, host):
    names = {pool.name for pool in pools.everything(ctx) if host in (pool.name, pool.backend)}
    if not names:
        raise exceptions.InvalidHost(host=host)
    if not names - {row.host}:
        raise exceptions.VolumeCannotMove(volume_id=row.id, reason=f'it is on {host} already; the destination must be '
                                                                   'different from the current one')
    if not names - {row.host, *volume_moves.hosts(ctx, row.id)}:
        raise exceptions.VolumeCannotMove(volume_id=row.id, reason=f'{host} is still being cleared of it; try again')


def complete(ctx, volume_id, new_volume_id):
    """What Nova says when it has copied a volume that a server uses into another, or could not.

    It is never asked to, so this is refused: raises VolumeNotFound, or NotMigrating.
    """
    rule = 'volume_extension:volume_admin_actions:migrate_volume_completion'
    with ctx.reading():
        row = volumes.visible(ctx, volume_id, rule)
        new = volumes.visible(ctx, new_volume_id, rule)
    if row.migration_status is None:
        raise exceptions.NotMigrating(reason='Source volume not mid-migration.')
    if new.migration_status is None:
        raise exceptions.NotMigrating(reason='Destination volume not mid-migration.')
    raise exceptions.NotMigrating(reason=f'Destination has migration_status {new.migration_status}, expected '
                                         f'target:{volume_id}.')

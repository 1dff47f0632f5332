# SPDX-License-Identifier: Apache-2.0
"""Moving a volume to another pool, for an administrator (migrate) or because its new type asks for it (retype).

::

    api          the volume is free to go; the job keeps it to itself from here on
    scheduler    filter, weigh, claim: a second place (db/volume_moves.py), and a job for the backend it is on
    destination  the driver fetches the data, or qemu-img copies them; one transaction makes the second place the
                 volume's own, and the one it had the second
    source       a job of its own removes what was left there, then its claim

A move that fails leaves the volume where it is, and the same kind of job removes what the destination has of it.  So
at each commit every image has a row that names it, and a job that will remove it if it is not the volume.
"""

import dataclasses

from oslo_log import log as logging
from oslo_utils import uuidutils

from blockctl import exceptions
from blockctl import user_messages
from blockctl.db import deadlocks
from blockctl.db import holds
from blockctl.db import jobs
from blockctl.db import messages
from blockctl.db import pools
from blockctl.db import volume_moves
from blockctl.db import volume_retype
from blockctl.db import volumes
from blockctl.db.tables import volumes as table
from blockctl.db.transition import transition
from blockctl.drivers import interface
from blockctl.flows import driver_values
from blockctl.flows import notifications
from blockctl.flows import volume_limits
from blockctl.jobs import runner
from blockctl.rpc import scheduler as scheduler_rpc
from blockctl.rpc import transport
from blockctl.rpc import volume as volume_rpc
from blockctl.states import VOLUME

LOG = logging.getLogger(__name__)

KIND = 'volume.migrate'
CLEAR = 'volume.clear'

#: The job's step once the copy is complete, and only has to get its name.
_NAMING = 'naming'

#: What ends the work on the volume, by the state it is in meanwhile and the one it had.
_ENDS = {
    ('available', 'available'): 'migrate.end',
    ('maintenance', 'available'): 'migrate.unlock',
    ('retyping', 'available'): 'retype.end',
    ('retyping', 'in-use'): 'retype.end.attached',
}


#: What listeners are told when no pool takes it, by the kind of job.
_UNPLACED = {KIND: 'scheduler.migrate_volume_to_host', 'volume.retype': 'scheduler.retype'}


# --- the api half
@deadlocks.retried
def migrate_volume(ctx, row, spec, lock):
    """Accept that a volume moves: its job is committed when this returns. Raises InvalidState, ResourceBusy.

    ``spec``: see :func:`payload_of`, with ``to`` and ``force_host_copy``; ``lock``: nobody may use it meanwhile.
    """
    with ctx.writing():
        transition(ctx, VOLUME, row.id, 'migrate.lock' if lock else 'migrate', *may_move(row),
                   migration_status='starting')
        job_id = jobs.post(ctx, KIND, row.id, transport.SCHEDULER, spec)
        holds.hold(ctx, row.id, job_id)
        ctx.app.points('volume.migrate.api.before_commit')
    ctx.app.points('volume.migrate.api.committed')
    scheduler_rpc.migrate_volume(ctx, job_id)


def may_move(row):
    """Conditions, in SQL, under which a volume may move that was ``row`` when it was looked at."""
    return (table.c.host == row.host, table.c.size == row.size, table.c.attach_status == row.attach_status,
            table.c.group_id.is_(None), volume_moves.settled(), volume_moves.bare())


def payload_of(row, meanwhile, volume_type, extra_specs, **more):
    """A job's payload: what the scheduler's filters read, and what is to become of the volume.

    ``meanwhile``: its status while the job works; ``volume_type``: the row of the type it will have, None for none.
    """
    return {'volume_id': row.id, 'size': row.size, 'was': row.status, 'meanwhile': meanwhile, 'availability_zone': None,
            'volume_type': {'id': volume_type.id, 'name': volume_type.name} if volume_type else None,
            'extra_specs': extra_specs, **more}


# --- the scheduler half
class Schedule:
    """What a scheduler does with a job of migrate."""

    def __init__(self, picker):
        self._picker = picker

    def run(self, work):
        with work.ctx.reading():
            row = volumes.get(work.ctx, work.job.resource_id)
        send(work, row, self._picker)

    def give_up(self, work, reason):
        LOG.error('Volume %s cannot be moved: %s.', work.job.resource_id, reason)
        fail(work, user_messages.UNKNOWN)


def send(work, row, picker):
    """Claim the best other pool, and hand the job to its backend; when none fits the move has failed."""
    with work.ctx.reading():
        # A place that is still being cleared of this volume is no place for it.
        excluded = [row.host, *volume_moves.hosts(work.ctx, row.id)]
    choice = picker.pick(work.ctx, {**work.job.payload, 'excluded': excluded, 'project_id': row.project_id,
                                    'user_id': row.user_id})
    for pool in choice:
        if _claim(work, row, pool, choice.limit(pool)):
            choice.claimed(pool)
            LOG.info('Volume %s moves from %s to %s.', row.id, row.host, pool.name)
            volume_rpc.tell(work.ctx, pool.name, 'migrate_volume', work.job.id)
            work.point('volume.migrate.scheduler.cast')
            return
        choice.lost(pool)
    if not choice.final:
        raise exceptions.BackendUnavailable(reason='services that count as down may just not have beaten yet')
    LOG.warning('Volume %s finds no place: %s', row.id, choice.summary())
    fail(work, user_messages.NO_POOL, choice.summary())
    notifications.failed(
        work.ctx, _UNPLACED[work.job.kind], volume_id=row.id, state=row.status, request_spec=work.job.payload,
        method=_UNPLACED[work.job.kind].partition('.')[2], reason=choice.summary())


def _claim(work, row, pool, limit):
    ctx, job, move_id = work.ctx, work.job, uuidutils.generate_uuid()
    payload = {**job.payload, 'move_id': move_id, 'zone': pool.zone, 'service_id': pool.service_id,
               'cluster_name': pool.cluster_name, 'leaves': _clearing(move_id, pool.name, row.id, [])}
    with ctx.writing():
        if not pools.claim(ctx, pool.name, row.size, limit=limit):
            return False
        transition(ctx, VOLUME, row.id, 'migrate.claim', migration_status='migrating')
        volume_moves.insert(ctx, move_id, row.id, pool.name, row.size)
        jobs.hand_over(ctx, job, volume_rpc.backend_of(pool.name), payload=payload)
        work.point('volume.migrate.scheduler.before_commit')
    work.point('volume.migrate.scheduler.committed')
    return True


def _name(ctx, image_id):
    return ctx.conf.volume_name_template % image_id


def _clearing(move_id, host, volume_id, names, **values):
    """The job that removes images of a volume from a pool; ``values``: what drivers know them by beside their names."""
    return {'kind': CLEAR, 'resource_id': move_id, 'topic': volume_rpc.backend_of(host), 'payload': {
        'volume_id': volume_id, 'host': host, 'names': names, 'values': values}}


# --- the destination's half
class Migrate:
    """What the volume service of the destination does with a job of migrate or retype."""

    def run(self, work):
        ctx, job = work.ctx, work.job
        with ctx.reading():
            row = volumes.get(ctx, job.resource_id)
            move = volume_moves.get(ctx, job.payload['move_id'])
            locations = [(pools.report_of(ctx, host) or {}).get('location_info') for host in (row.host, move.host)]
            limits = volume_limits.of_type(ctx, job.payload.get('new_type', {}).get('volume_type_id',
                                                                                    row.volume_type_id))
        work.point('volume.migrate.volume.before_effect')
        try:
            made = _fetch(work, row, move, *locations)
            volume_limits.keep(work, _copy_of(ctx, row, move), limits)
        except runner.LATER:
            raise
        except (exceptions.BackendError, exceptions.InvalidRequest) as error:
            LOG.error('Volume %s could not be moved to %s: %s', row.id, move.host, error)
            fail(work, user_messages.UNABLE if isinstance(error, exceptions.BackendUnable)
                 else user_messages.NOT_MOVED)
            return
        work.point('volume.migrate.volume.effected')
        try:
            _switch(work, row, move, made)
        except volume_retype.FINAL as error:
            LOG.warning('Volume %s stays where it is: %s', row.id, error)
            fail(work, user_messages.NOT_RETYPED)

    def give_up(self, work, reason):
        LOG.error('Volume %s is not moved to %s: %s.', work.job.resource_id, work.job.topic, reason)
        fail(work, user_messages.NOT_MOVED)

    def unserved(self, ctx, job):
        """No process serves the destination: the volume stays where it is (jobs/sweeper.py)."""
        _fail(ctx, job, user_messages.UNSERVED, began=job.started_at is not None)


def _fetch(work, row, move, source_location, location):
    """Have the volume's data complete, under its name, at its second place. Returns columns to store."""
    source = driver_values.volume(work.ctx, row)
    copy = _copy_of(work.ctx, row, move)
    if source_location is not None and source_location == location:
        raise exceptions.InvalidRequest(reason=f'{row.host} and {move.host} are the same storage')
    if not work.job.payload.get('force_host_copy') and isinstance(work.driver, interface.Migrates) \
            and work.driver.can_copy_from(source_location):
        _note(work, [copy.name])
        return dict(work.driver.copy_from(copy, source_location, source, work.effect()) or {})
    return _copy_by_host(work, volume_rpc.backend_of(row.host), source, copy)


def _copy_of(ctx, row, move):
    """The volume as it is to be at its second place."""
    return dataclasses.replace(driver_values.volume(ctx, row), pool=volume_rpc.pool_of(move.host),
                               name=_name(ctx, row.id), provider_id=None, provider_location=None)


def _copy_by_host(work, backend, source, copy):
    """Copy into an image with a name of its own, which then gets the volume's.

    A worker that lost the job while its copying program ran on can so write only to what nobody uses any more.  And two
    backends that are one storage, though they do not look it, can do no harm: what has the volume's name is neither
    replaced nor, for it is not noted, cleared away.
    """
    reader = work.peer(backend)
    if not isinstance(reader, interface.Copies):
        raise exceptions.BackendUnable(ability=f'to read {backend}: let one process serve both backends')
    driver_values.able(work, interface.Copies)
    driver = driver_values.able(work, interface.Renames)
    if work.job.step != _NAMING:
        former = work.job.payload.get('copies', [])
        name = _name(work.ctx, uuidutils.generate_uuid())
        _note(work, [*former, name], copies=[*former, name])
        for each in former:
            driver.delete(dataclasses.replace(copy, name=each), work.effect())
        target = dataclasses.replace(copy, name=name)
        made = dict(driver.create(target, work.effect()) or {})
        work.point('volume.migrate.volume.copying')
        driver.fill(target, reader.locator(source), work.effect())
        _refuse_present(driver, copy)
        _note(work, [name, copy.name], _NAMING, copies=[name], made=made)
        work.point('volume.migrate.volume.copied')
    driver.rename(copy, work.job.payload['copies'][-1], work.effect())
    return work.job.payload['made']


def _refuse_present(driver, volume):
    try:
        driver.size_of(volume.name, volume.pool)
    except exceptions.NotFoundOnBackend:
        return
    raise exceptions.BackendError(reason=f'{volume.name} is there already')


def _note(work, names, step=None, **more):
    """Record in the job which images would have to be cleared away, and how far it is."""
    leaves = work.job.payload['leaves']
    payload = {**work.job.payload, **more, 'leaves': {**leaves, 'payload': {**leaves['payload'], 'names': names}}}
    with work.ctx.writing():
        work.advance(step=step, payload=payload)


def _switch(work, row, move, made):
    """One transaction in which the volume is there instead of here."""
    ctx, job = work.ctx, work.job
    new_type = job.payload.get('new_type')
    left = _clearing(move.id, row.host, row.id, [_name(ctx, row.name_id or row.id)], provider_id=row.provider_id,
                     provider_location=row.provider_location, encrypted=row.encryption_key_id is not None)
    values = {'provider_id': None, 'provider_location': None, **made, **(new_type or {})}
    with ctx.writing():
        if new_type:
            volume_retype.move(ctx, row, new_type['volume_type_id'])
        transition(ctx, VOLUME, row.id, end_of(job), table.c.host == row.host, host=move.host,
                   cluster_name=job.payload.get('cluster_name'), name_id=None,
                   availability_zone=job.payload['zone'] or row.availability_zone, migration_status='success',
                   service_uuid=job.payload['service_id'], shared_targets=work.driver.shared_targets, **values)
        if new_type:
            volume_retype.check_encryption(ctx, row, new_type['volume_type_id'])
        volume_moves.swap(ctx, move.id, row.host)
        clear_id = jobs.post(ctx, **left)
        jobs.finish(ctx, job, 'done')
        work.point('volume.migrate.volume.before_commit')
    work.point('volume.migrate.volume.committed')
    LOG.info('Volume %s has moved from %s to %s.', row.id, row.host, move.host)
    volume_rpc.tell(ctx, row.host, 'clear_volume', clear_id)
    if new_type:
        notifications.volume(ctx, row, 'retype')


def end_of(job):
    return _ENDS[job.payload['meanwhile'], job.payload['was']]


# --- what ends without a move
def fail(work, detail, more=''):
    """The volume stays where and what it is, and its tenant is told; what the second place has goes."""
    with work.ctx.writing():
        clear_id = _fail(work.ctx, work.job, detail, more)
        work.point('volume.migrate.settle.before_commit')
    work.point('volume.migrate.settle.committed')
    if clear_id:
        volume_rpc.tell(work.ctx, work.job.topic, 'clear_volume', clear_id)


def _fail(ctx, job, detail, more='', began=True):
    """Returns the id of the job that clears up, or None. ``began``: something may be at the second place."""
    payload, clear_id, values = job.payload, None, {}
    placed = 'move_id' in payload
    if placed and not began:
        volume_moves.remove(ctx, volume_moves.get(ctx, payload['move_id']))
    if placed or job.kind == KIND:
        values['migration_status'] = 'error'
    transition(ctx, VOLUME, job.resource_id, end_of(job), **values)
    if placed and began:
        clear_id = jobs.post(ctx, **payload['leaves'], to_fence=job.to_fence)
    action = user_messages.MIGRATE_VOLUME if job.kind == KIND else user_messages.RETYPE_VOLUME
    messages.write(ctx, job, 'VOLUME', user_messages.event_id('volume', action, detail),
                   user_messages.text(action, detail, more))
    jobs.finish(ctx, job, 'failed')
    return clear_id


# --- what a move left behind
class Clear:
    """What a volume service does with the job that removes images of a volume from a pool where it is not."""

    def run(self, work):
        ctx, payload = work.ctx, work.job.payload
        with ctx.reading():
            move = volume_moves.get(ctx, work.job.resource_id)
        work.point('volume.clear.volume.before_effect')
        try:
            for name in payload['names']:
                work.driver.delete(interface.Volume(
                    id=payload['volume_id'], size=move.size, pool=volume_rpc.pool_of(move.host), name=name,
                    **payload['values']), work.effect())
        except runner.LATER:
            raise
        except exceptions.BackendError as error:
            self.give_up(work, error)
            return
        work.point('volume.clear.volume.effected')
        with ctx.writing():
            volume_moves.remove(ctx, move)
            jobs.finish(ctx, work.job, 'done')
            work.point('volume.clear.volume.before_commit')
        work.point('volume.clear.volume.committed')

    def give_up(self, work, reason):
        """It is never given up: the row that names the images stays as long as they do."""
        LOG.error('What volume %s left on %s cannot be removed yet: %s.', work.job.payload['volume_id'],
                  work.job.topic, reason)
        with work.ctx.writing():
            jobs.strand(work.ctx, work.job)

    def unserved(self, ctx, job):
        """Its images wait for the backend's return, and so does their claim."""
        jobs.strand(ctx, job)

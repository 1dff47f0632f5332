# SPDX-License-Identifier: Apache-2.0
"""Creating a volume: the api, scheduler and backend halves, side by side.

::

    api        ExtractVolumeRequest -> QuotaReserve -> EntryCreate -> QuotaCommit -> VolumeCast
    scheduler  ExtractSchedulerSpec -> ScheduleCreateVolume (filter, weigh, claim)
    backend    ExtractVolumeRef -> OnFailureReschedule -> ExtractVolumeSpec -> NotifyVolumeAction
               -> CreateVolumeFromSpec -> CreateVolumeOnFinish

One job carries a volume through the last two.  What a dying process leaves is either nothing (the api half is one
transaction) or that job, which another process takes up where the row says it is.
"""

import contextlib
import dataclasses
import random
import time
from collections.abc import Callable
from typing import Any

from oslo_db import exception as db_exception
from oslo_log import log as logging
from oslo_utils import uuidutils
from taskflow import task

from blockctl import exceptions
from blockctl import user_messages
from blockctl.db import holds
from blockctl.db import jobs
from blockctl.db import messages
from blockctl.db import pools
from blockctl.db import quotas
from blockctl.db import snapshots
from blockctl.db import volume_changes
from blockctl.db import volume_lists
from blockctl.db import volumes
from blockctl.db.columns import utcnow
from blockctl.db.tables import groups as groups_table
from blockctl.db.tables import volumes as table
from blockctl.db.transition import transition
from blockctl.drivers import interface
from blockctl.flows import driver_values
from blockctl.flows import notifications
from blockctl.flows import volume_key
from blockctl.flows import volume_limits
from blockctl.jobs import runner
from blockctl.rpc import scheduler as scheduler_rpc
from blockctl.rpc import transport
from blockctl.rpc import volume as volume_rpc
from blockctl.states import GROUP
from blockctl.states import SNAPSHOT
from blockctl.states import VOLUME
from blockctl.states import Machine

LOG = logging.getLogger(__name__)

KIND = 'volume.create'

# Deadlocks are tried again so often; each try is a new transaction and a new flow.
TRIES = 5
# A database that took longer than this to fail hangs: asking it again would pass the bound on an answer (20 s).
PROMPT = 3.0


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """What a volume is made of: ``kind`` is a key of _KINDS, ``size`` GiB, ``volume`` the row that names its place.

    That is the source's own row, when it is a volume, or that of the volume it is a snapshot of.
    """

    kind: str
    id: str
    size: int
    volume: Any


@dataclasses.dataclass(frozen=True, slots=True)
class CreateVolume:
    """What a tenant asked for, checked. ``size`` is GiB; ``volume_type`` a row or None; ``source`` None: of nothing."""

    size: int
    name: str | None = None
    description: str | None = None
    volume_type: Any = None
    extra_specs: dict = dataclasses.field(default_factory=dict)  # of the type
    availability_zone: str | None = None
    any_zone: bool = False  # that the type allows: the pool decides which
    metadata: dict = dataclasses.field(default_factory=dict)
    source: Source | None = None
    group_id: str | None = None
    group: Any = None  # the row of the group, when it is there already: the volume has to be where that is
    multiattach: bool = False
    scheduler_hints: dict = dataclasses.field(default_factory=dict)


# --- the api half
class ExtractVolumeRequestTask(task.Task):
    """Turn the request into the row and the job's payload. Reads only; a revert has nothing to undo."""

    default_provides = 'entry'

    def execute(self, ctx, request, volume_id):
        kind = request.volume_type
        row = {
            'id': volume_id, 'project_id': ctx.project_id, 'user_id': ctx.user_id, 'name': request.name,
            'description': request.description, 'size': request.size, 'status': VOLUME.initial,
            'availability_zone': request.availability_zone, 'volume_type_id': kind.id if kind else None,
            'shared_targets': True,  # until its backend says otherwise
            'group_id': request.group_id, 'multiattach': request.multiattach,
        }
        payload = {
            'volume_id': volume_id, 'size': request.size,
            'availability_zone': None if request.any_zone else request.availability_zone,
            'volume_type': {'id': kind.id, 'name': kind.name} if kind else None, 'extra_specs': request.extra_specs,
            'scheduler_hints': request.scheduler_hints, 'source': {'kind': 'nothing'},
        }
        if request.group is not None:
            payload['resource_backend'] = volume_rpc.backend_of(request.group.host)
        source = request.source
        if source is not None:
            row |= {_KINDS[source.kind].column: source.id, 'bootable': source.volume.bootable}
            payload |= {'source': {'kind': source.kind, 'id': source.id},
                        'resource_backend': volume_rpc.backend_of(source.volume.host)}
        return {'row': row, 'metadata': request.metadata, 'payload': payload}


class QuotaReserveTask(task.Task):
    """Take the quota, bounded in the statement. The transaction's rollback gives it back; a revert undoes nothing."""

    def execute(self, ctx, entry):
        row = entry['row']
        allowed = quotas.limits(ctx, row['project_id'])
        limit = allowed['per_volume_gigabytes']
        if limit != quotas.UNLIMITED and row['size'] > limit:
            raise exceptions.VolumeSizeExceedsLimit(size=row['size'], limit=limit)
        quotas.reserve(ctx, row['project_id'], quotas.volume_deltas(row['size'], row['volume_type_id']), allowed)
        ctx.app.points('volume.create.api.reserved')


class EntryCreateTask(task.Task):
    """Store the volume's row, and read it back as the answer shows it (its times are the database's).

    A source is locked first, and has to be as it was when the request was checked: there, and not larger than the
    volume; and a group before it.  The transaction's rollback undoes all of it; a revert undoes nothing.
    """

    default_provides = 'volume'

    def execute(self, ctx, request, entry):
        if request.group is not None:
            transition(ctx, GROUP, request.group.id, 'members', groups_table.c.host == request.group.host)
        source = request.source
        if source is not None:
            kind = _KINDS[source.kind]
            transition(ctx, kind.machine, source.id, 'clone', *kind.unchanged(source))
        volumes.insert(ctx, entry['metadata'], **entry['row'])
        if source is not None:
            volume_changes.copy_image_metadata(ctx, source.volume.id, entry['row']['id'])
        ctx.app.points('volume.create.api.entered')
        return volume_lists.get(ctx, entry['row']['id'])


class QuotaCommitTask(task.Task):
    """Post the job, which holds the source, and commit: quota, row and job stand from here on, together.

    Nothing reverts after it.
    """

    default_provides = 'job_id'

    def execute(self, ctx, request, entry):
        job_id = jobs.post(ctx, KIND, entry['row']['id'], transport.SCHEDULER, entry['payload'])
        if request.source is not None:
            holds.hold(ctx, request.source.id, job_id)
        ctx.app.points('volume.create.api.before_commit')
        ctx.commit()
        ctx.app.points('volume.create.api.committed')
        return job_id


class VolumeCastTask(task.Task):
    """Ring the schedulers' bell. It cannot fail, and if it is not heard a sweep finds the job: nothing to undo."""

    def execute(self, ctx, job_id):
        scheduler_rpc.create_volume(ctx, job_id)
        ctx.app.points('volume.create.api.cast')


def create_volume(ctx, request):
    """Accept a request for a volume; returns its row (of db.volume_lists) once it, its quota and its job are committed.

    ================================  ==========================  ==========================================
    condition                         error                       what the caller should do
    ================================  ==========================  ==========================================
    over the project's quota          OverQuota                   delete something, or ask for more
    larger than one volume may be     VolumeSizeExceedsLimit      ask for less
    the source cannot be read now     InvalidState                wait, or take another
    database away                     DatabaseUnavailable         try again; nothing was stored, unless the
                                                                  answer to the commit itself was lost
    ================================  ==========================  ==========================================
    """
    volume_id = uuidutils.generate_uuid()
    for tries_left in reversed(range(TRIES)):
        began = time.monotonic()
        try:
            with ctx.writing():
                results = ctx.app.flows.run('volume_create_api', (
                    ExtractVolumeRequestTask, QuotaReserveTask, EntryCreateTask, QuotaCommitTask,
                    VolumeCastTask), ctx=ctx, request=request, volume_id=volume_id)
            return results['volume']
        except db_exception.DBDeadlock:
            if not tries_left:
                raise
            time.sleep(random.uniform(0.005, 0.05))
        except exceptions.DatabaseUnavailable:
            if not tries_left or time.monotonic() - began > PROMPT:
                raise
            # The commit may have happened and only its answer be lost. (Raises again when there is still no way.)
            with ctx.reading():
                if volumes.exists(ctx, volume_id):
                    return volume_lists.get(ctx, volume_id)  # its job is there with it; a sweep finds it
    raise AssertionError('unreachable')


# --- the scheduler half
class ExtractSchedulerSpecTask(task.Task):
    """Turn the job's payload into what the picker reads. A revert has nothing to undo."""

    default_provides = 'spec'

    def execute(self, work):
        job = work.job
        return {**job.payload, 'excluded': job.excluded, 'project_id': job.project_id, 'user_id': job.user_id}


class ScheduleCreateVolumeTask(task.Task):
    """Filter and weigh the pools, and claim the best one that still has room: one transaction names it in the row,
    promises its space and hands the job to its backend.  A revert undoes no claim (a failed one rolls back); when no
    pool fits it settles the volume in error, with a message to its tenant.
    """

    def execute(self, work, spec, picker):
        choice = picker.pick(work.ctx, spec)
        for pool in choice:
            if _claim(work, pool, spec['size'], choice.limit(pool)):
                choice.claimed(pool)
                LOG.info('Volume %s (%d GiB) goes to %s.', spec['volume_id'], spec['size'], pool.name)
                volume_rpc.tell(work.ctx, pool.name, 'create_volume', work.job.id)
                work.point(f'{KIND}.scheduler.cast')
                return
            choice.lost(pool)
        if not choice.final:
            raise exceptions.BackendUnavailable(reason='services that count as down may just not have beaten yet')
        raise exceptions.NoPoolFits(summary=choice.summary())

    def revert(self, work, result, flow_failures, **kwargs):
        error = _cause(flow_failures)
        if isinstance(error, exceptions.NoPoolFits):
            LOG.warning('Volume %s: %s', work.job.resource_id, error)
            _settle_in_error(work, user_messages.ALLOCATE_VOLUME, user_messages.NO_POOL, error.values['summary'])
            notifications.failed(
                work.ctx, 'scheduler.create_volume', volume_id=work.job.resource_id, method='create_volume',
                state=VOLUME.moves['create.fail'].target, request_spec=work.job.payload, reason=str(error))


def _claim(work, pool, size, limit):
    ctx = work.ctx
    with ctx.writing():
        if not pools.claim(ctx, pool.name, size, limit=limit):
            return False
        volumes.place(ctx, work.job.resource_id, pool.name, pool.zone, pool.service_id,
                      pool.cluster_name)
        jobs.hand_over(ctx, work.job, volume_rpc.backend_of(pool.name))
        work.point(f'{KIND}.scheduler.before_commit')
    work.point(f'{KIND}.scheduler.committed')
    return True


class Schedule:
    """What a scheduler does with the job."""

    def __init__(self, picker):
        self._picker = picker

    def run(self, work):
        try:
            work.ctx.app.flows.run('volume_create_scheduler', (ExtractSchedulerSpecTask, ScheduleCreateVolumeTask),
                                   work=work, picker=self._picker)
        except exceptions.NoPoolFits:
            pass  # settled by the revert

    def give_up(self, work, reason):
        LOG.error('Volume %s cannot be scheduled: %s.', work.job.resource_id, reason)
        _settle_in_error(work, user_messages.ALLOCATE_VOLUME, user_messages.UNKNOWN)


# --- the backend half
class ExtractVolumeRefTask(task.Task):
    """Read the volume's row. A revert has nothing to undo."""

    default_provides = 'volume'

    def execute(self, work):
        with work.ctx.reading():
            return volume_lists.get(work.ctx, work.job.resource_id)


class OnFailureRescheduleTask(task.Task):
    """Does nothing, unless what follows fails: its revert then records that the creation is undone here, and whether
    another pool is to be tried.  From that commit on nobody goes forward on this pool.

    What leaves the outcome open (a time-out, a backend or database out of reach, a lost lease) records nothing: the job
    goes on, here or with another worker.
    """

    def execute(self, work):
        pass

    def revert(self, work, result, flow_failures, **kwargs):
        error = _cause(flow_failures)
        if not isinstance(error, (exceptions.LeaseLost, *runner.LATER, *runner.DATABASE)):
            LOG.warning('Volume %s could not be created on %s: %s', work.job.resource_id, work.job.topic, error)
            # A lost lease must not hide the first error behind a failed revert; the runner finds it lost, too.
            with contextlib.suppress(exceptions.LeaseLost):
                _decide_undo(work, not (_is_bound(work.job) or isinstance(error, exceptions.InvalidRequest)),
                             unable=isinstance(error, exceptions.BackendUnable))


class ExtractVolumeSpecTask(task.Task):
    """Say what is to be made, and from which source. A revert has nothing to undo."""

    default_provides = 'spec'

    def execute(self, work, volume):
        source = work.job.payload['source']
        with work.ctx.reading():
            encryption = volume_key.settings(work.ctx, volume)
            made = dataclasses.replace(driver_values.volume(work.ctx, volume), encrypted=encryption is not None)
            spec = {'volume': made, 'kind': source['kind'], 'source': None, 'encryption': encryption,
                    'limits': volume_limits.of_type(work.ctx, volume.volume_type_id)}
            if 'id' in source:
                spec['source'] = _KINDS[source['kind']].read(work.ctx, source['id'])
        return spec


class NotifyVolumeActionTask(task.Task):
    """Tell listeners that the creation starts. A notification cannot be taken back: nothing to undo."""

    def execute(self, work, volume):
        notifications.volume(work.ctx, volume, 'create.start')


class CreateVolumeFromSpecTask(task.Task):
    """Have the driver make the image. What it made before a failure is removed by the undo that
    OnFailureRescheduleTask records: not here, because before the decision is stored a removal would not be safe.
    """

    default_provides = 'made'

    def execute(self, work, volume, spec):
        header = _give_key(work, volume, spec)
        work.point(f'{KIND}.volume.before_effect')
        made = dict(_KINDS[spec['kind']].make(work, spec['volume'], spec['source'], header) or {})
        if spec['limits'] or spec['source'] is not None:  # a clone may have those of its source
            volume_limits.keep(work, spec['volume'], spec['limits'])
        work.point(f'{KIND}.volume.effected')
        return made


def _give_key(work, volume, spec):
    """Give the volume its key when its type says that it is encrypted: its own, or a copy of its source's.

    Returns the header that the key opens, for what is made of nothing; what is made of something has that one's.
    Raises InvalidRequest when only one of the two is encrypted.  The undo removes the key, after the image.
    """
    wanted, source = spec['encryption'], spec['source']
    origin = getattr(source, 'volume', source)
    if origin is not None and origin.encrypted != spec['volume'].encrypted:
        raise exceptions.InvalidRequest(reason=f'volume {origin.id} is not encrypted in the same way')
    if wanted is None:
        return None
    key_id = volume_key.make(work, volume, wanted, origin.id if origin is not None else None)
    if origin is not None:
        return None
    work.lease.enter(0)
    return work.ctx.app.keys.header(volume.project_id, key_id, wanted)


# --- what it may be made of
def _snapshot(ctx, source_id):
    row = snapshots.get(ctx, source_id)
    return driver_values.snapshot(ctx, row, volumes.get(ctx, row.volume_id))


def _volume(ctx, source_id):
    return driver_values.volume(ctx, volumes.get(ctx, source_id))


def _make_empty(work, volume, source, header):
    if header is not None:
        return driver_values.able(work, interface.Encrypts).create_encrypted(volume, header, work.effect())
    return work.driver.create(volume, work.effect())


def _make_of_snapshot(work, volume, source, header):
    return driver_values.able(work, interface.Snapshots).create_from_snapshot(volume, source, work.effect())


def _make_of_volume(work, volume, source, header):
    return driver_values.able(work, interface.Clones).clone(volume, source, work.effect())


def _snapshot_unchanged(source):
    return ()  # its size and place never change: a volume that has snapshots does not move


def _volume_unchanged(source):
    return table.c.size == source.size, table.c.host == source.volume.host


@dataclasses.dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of source.

    ``make(work, volume, source, header)`` has the driver make the volume of what ``read(ctx, id)`` gives; ``header``:
    what an encrypted one begins with that is made of nothing, else None.  ``machine`` has the
    event 'clone' of the source; ``column`` of the new row names it; ``unchanged(source)``: conditions, in SQL, that it
    is as it was.
    """

    make: Callable
    machine: Machine | None = None
    column: str | None = None
    unchanged: Callable | None = None
    read: Callable | None = None


#: Images and backups come with their issues.
_KINDS = {
    'nothing': _Kind(_make_empty),
    'snapshot': _Kind(_make_of_snapshot, SNAPSHOT, 'snapshot_id', _snapshot_unchanged, _snapshot),
    'volume': _Kind(_make_of_volume, VOLUME, 'source_volid', _volume_unchanged, _volume),
}


def _is_bound(job):
    """Whether the volume can be made on one backend only: where its source is."""
    return 'resource_backend' in job.payload


class CreateVolumeOnFinishTask(task.Task):
    """Make the volume available and end the job, in one transaction. It is the last task: nothing reverts it."""

    def execute(self, work, volume, made):
        with work.ctx.writing():
            transition(work.ctx, VOLUME, volume.id, 'create.done', launched_at=utcnow(),
                       shared_targets=work.driver.shared_targets, **made)
            jobs.finish(work.ctx, work.job, 'done')
            work.point(f'{KIND}.volume.before_commit')
        work.point(f'{KIND}.volume.committed')
        LOG.info('Volume %s is available on %s.', volume.id, volume.host)
        notifications.volume(work.ctx, volume, 'create.end')


class Create:
    """What a volume service does with the job."""

    def run(self, work):
        if work.job.direction == jobs.DO:
            try:
                work.ctx.app.flows.run('volume_create_manager', (
                    ExtractVolumeRefTask, OnFailureRescheduleTask, ExtractVolumeSpecTask, NotifyVolumeActionTask,
                    CreateVolumeFromSpecTask, CreateVolumeOnFinishTask), work=work)
                return
            except Exception:
                if work.job.direction == jobs.DO:  # no undo was recorded: the runner says what happens next
                    raise
        _undo(work)

    def give_up(self, work, reason):
        LOG.error('Volume %s cannot be created on %s: %s.', work.job.resource_id, work.job.topic, reason)
        if work.job.direction == jobs.DO:
            _decide_undo(work, reschedule=False)
            try:
                _undo(work)
                return
            except runner.LATER as error:
                LOG.warning('What volume %s left on %s cannot be removed now: %s', work.job.resource_id,
                            work.job.topic, error)
        strand(work.ctx, work.job)

    def unserved(self, ctx, job):
        """No process serves the backend any more (jobs/sweeper.py); ``job`` is seized, in the transaction under way."""
        if job.started_at is not None:
            _strand(ctx, job)
            return
        # Nothing of it can be there: another pool may have it.
        row = volumes.get(ctx, job.resource_id)
        pools.release(ctx, row.host, row.size)
        volumes.place(ctx, row.id, None)
        if _is_bound(job):
            _fail(ctx, job, user_messages.CREATE_VOLUME, user_messages.UNSERVED)
            jobs.finish(ctx, job, 'failed')
        else:
            jobs.hand_over(ctx, job, transport.SCHEDULER, excluded=[*job.excluded, row.host])
            scheduler_rpc.create_volume(ctx, job.id)


def _cause(flow_failures):
    return next(iter(flow_failures.values())).exception


def _decide_undo(work, reschedule, unable=False):
    """``unable``: it fails because the backend's driver cannot make such a volume."""
    with work.ctx.writing():
        work.advance(direction=jobs.UNDO, payload={**work.job.payload, 'reschedule': reschedule, 'unable': unable})
        work.point(f'{KIND}.volume.before_undo_commit')
    work.point(f'{KIND}.volume.undo_committed')


def _undo(work):
    """Remove what a creation left here, then try another pool or end in error. May be repeated at any point."""
    ctx, job = work.ctx, work.job
    with ctx.reading():
        row = volumes.get(ctx, job.resource_id)
    work.driver.delete(driver_values.volume(ctx, row), work.effect())
    volume_key.remove(work, row, unnamed=job.step == volume_key.MAKING)
    work.point(f'{KIND}.volume.undone')
    again = job.payload['reschedule'] and job.reschedules + 1 < ctx.conf.scheduler_max_attempts
    with ctx.writing():
        pools.release(ctx, row.host, row.size)
        volumes.place(ctx, row.id, None)
        if row.encryption_key_id is not None:
            volume_changes.set_key(ctx, row.id, None)
        if again:
            jobs.hand_over(ctx, job, transport.SCHEDULER, direction=jobs.DO, reschedules=job.reschedules + 1,
                           takeovers=0, excluded=[*job.excluded, row.host])
        else:
            if not job.payload.get('stranded'):
                _fail(ctx, job, user_messages.CREATE_VOLUME,
                      user_messages.UNABLE if job.payload.get('unable') else user_messages.NOT_CREATED)
            jobs.finish(ctx, job, 'failed')
        work.point(f'{KIND}.volume.before_settle_commit')
    work.point(f'{KIND}.volume.settled')
    if again:
        scheduler_rpc.create_volume(ctx, job.id)


def strand(ctx, job):
    """End the volume in error while its backend cannot be cleaned; the job stays to do that when it can."""
    with ctx.writing():
        _strand(ctx, job)


def _strand(ctx, job):
    if not job.payload.get('stranded'):
        _fail(ctx, job, user_messages.CREATE_VOLUME, user_messages.UNSERVED, event='create.strand')
    holds.let_go(ctx, job.id)
    jobs.strand(ctx, job, {'reschedule': False}, direction=jobs.UNDO)


def _settle_in_error(work, action, detail, more=''):
    with work.ctx.writing():
        _fail(work.ctx, work.job, action, detail, more)
        jobs.finish(work.ctx, work.job, 'failed')
        work.point(f'{KIND}.scheduler.before_settle_commit')
    work.point(f'{KIND}.scheduler.settled')


def _fail(ctx, job, action, detail, more='', event='create.fail'):
    transition(ctx, VOLUME, job.resource_id, event)
    messages.write(ctx, job, 'VOLUME', user_messages.event_id('volume', action, detail),
                   user_messages.text(action, detail, more))

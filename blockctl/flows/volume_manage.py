# SPDX-License-Identifier: Apache-2.0
"""Making a volume of what is on a backend already (manage), and taking it out again (unmanage).

::

    api        a row without size or place, and its quota as one volume
    scheduler  does the pool that was asked for offer the type?
    backend    the size, with its quota and claim; then, last, the new name

A volume that could not be had names no pool (``error_managing``, host NULL): deleting it removes the row only, so what
was not blockctl's, or may not be, is never removed.
"""

import dataclasses

from oslo_log import log as logging

from blockctl import exceptions
from blockctl import user_messages
from blockctl.db import answers
from blockctl.db import checks
from blockctl.db import deadlocks
from blockctl.db import jobs
from blockctl.db import messages
from blockctl.db import pools
from blockctl.db import quotas
from blockctl.db import volume_lists
from blockctl.db import volume_manage
from blockctl.db import volume_moves
from blockctl.db import volumes
from blockctl.db.columns import utcnow
from blockctl.db.tables import volumes as table
from blockctl.db.transition import transition
from blockctl.drivers import interface
from blockctl.flows import change
from blockctl.flows import driver_values
from blockctl.flows import notifications
from blockctl.flows import volume_limits
from blockctl.rpc import scheduler as scheduler_rpc
from blockctl.rpc import transport
from blockctl.rpc import volume as volume_rpc
from blockctl.states import MANAGING
from blockctl.states import VOLUME

LOG = logging.getLogger(__name__)

KIND = 'volume.manage'
LIST = 'volume.manageable'


# --- the api halves
@deadlocks.retried
def manage_volume(ctx, row, metadata, spec):
    """Accept that something becomes a volume; returns its row (of db.volume_lists). Raises OverQuota.

    ``row``: the columns that are known, without size and place; ``spec``: what the filters read, with ``to`` (the host
    or pool) and ``source_name``.
    """
    with ctx.writing():
        quotas.reserve(ctx, row['project_id'], quotas.volume_deltas(0, row['volume_type_id']))
        volumes.insert(ctx, metadata, **row, size=0, status=MANAGING)
        job_id = jobs.post(ctx, KIND, row['id'], transport.SCHEDULER, {**spec, 'volume_id': row['id'], 'size': 0})
        ctx.app.points('volume.manage.api.before_commit')
        stored = volume_lists.get(ctx, row['id'])
        if stored.encrypted:  # its type has become so since it was looked at
            raise exceptions.ResourceBusy(resource='volume type', id=row['volume_type_id'])
    ctx.app.points('volume.manage.api.committed')
    scheduler_rpc.manage_volume(ctx, job_id)
    return stored


def unmanage_volume(ctx, row):
    """Forget a volume and leave its image where it is, by its name. Raises InvalidState."""
    _forget(ctx, row)
    notifications.volume(ctx, row, 'unmanage.start')
    notifications.volume(ctx, row, 'unmanage.end')


@deadlocks.retried
def _forget(ctx, row):
    with ctx.writing():
        transition(ctx, VOLUME, row.id, 'unmanage', table.c.attach_status == 'detached',
                   table.c.group_id.is_(None), volume_moves.settled(), volume_moves.bare())
        jobs.supersede(ctx, row.id)  # the clean-up of a creation that failed
        volumes.remove(ctx, volumes.get(ctx, row.id))


# --- the scheduler half
class Schedule:
    """What a scheduler does with the job."""

    def __init__(self, picker):
        self._picker = picker

    def run(self, work):
        ctx, job = work.ctx, work.job
        spec = job.payload
        choice = self._picker.pick(ctx, {**spec, 'project_id': job.project_id, 'user_id': job.user_id})
        pool = next(iter(choice), None)
        if pool is None and not choice.final:
            raise exceptions.BackendUnavailable(reason='services that count as down may just not have beaten yet')
        if pool is None:
            LOG.warning('%s cannot be managed on %s: %s', spec['source_name'], spec['to'], choice.summary())
            self._fail(work, user_messages.NO_POOL, choice.summary())
            notifications.failed(
                ctx, 'scheduler.manage_existing', volume_id=job.resource_id, method='manage_existing',
                state=VOLUME.moves['manage.fail'].target, request_spec=spec, reason=choice.summary())
            return
        with ctx.writing():
            volumes.place(ctx, job.resource_id, pool.name, pool.zone, pool.service_id,
                          pool.cluster_name)
            jobs.hand_over(ctx, job, volume_rpc.backend_of(pool.name))
            work.point('volume.manage.scheduler.before_commit')
        work.point('volume.manage.scheduler.committed')
        volume_rpc.tell(ctx, pool.name, 'manage_volume', job.id)

    def give_up(self, work, reason):
        LOG.error('Volume %s cannot be managed: %s.', work.job.resource_id, reason)
        self._fail(work, user_messages.UNKNOWN)

    def _fail(self, work, detail, more=''):
        ctx, job, action = work.ctx, work.job, user_messages.MANAGE_VOLUME
        with ctx.writing():
            transition(ctx, VOLUME, job.resource_id, 'manage.fail')
            messages.write(ctx, job, 'VOLUME', user_messages.event_id('volume', action, detail),
                           user_messages.text(action, detail, more))
            jobs.finish(ctx, job, 'failed')


# --- the backend half
class Manage(change.Change):
    """What a volume service does with the job."""

    kind = KIND
    action = user_messages.MANAGE_VOLUME
    detail = user_messages.NOT_MANAGED
    fails = 'manage.fail'
    event = 'manage_existing'

    def effect(self, work, row):
        driver = driver_values.able(work, interface.Renames)
        name = work.job.payload['source_name']
        if not row.size:  # else this was done before, and the image may have its new name
            row = self._measured(work, row, driver.size_of(name, volume_rpc.pool_of(row.host)))
        volume = driver_values.volume(work.ctx, row)
        driver.rename(volume, name, work.effect())
        volume_limits.keep(work, volume, volume_limits.of_type(work.ctx, row.volume_type_id))

    def _measured(self, work, row, size):
        if not size:
            raise exceptions.BackendError(reason='it is empty')
        ctx = work.ctx
        try:
            with ctx.writing():
                volume_manage.take_in(ctx, row, size)
                work.advance()
                work.point('volume.manage.volume.before_size_commit')
                measured = volumes.get(ctx, row.id)
        except exceptions.OverQuota as error:
            raise exceptions.InvalidRequest(reason=str(error)) from error
        work.point('volume.manage.volume.size_committed')
        return measured

    def done(self, work, row, made):
        transition(work.ctx, VOLUME, row.id, 'manage.done', launched_at=utcnow(),
                   shared_targets=work.driver.shared_targets)

    def failed(self, ctx, job):
        """It names no pool any more: what is there is not, or may not be, its own."""
        row = volumes.get(ctx, job.resource_id)
        pools.release(ctx, row.host, row.size)
        volumes.place(ctx, row.id, None)

    def unserved(self, ctx, job):
        """Over at once: who waits for the backend can ask again when it is back."""
        self.failed(ctx, job)
        self._settle(ctx, job, user_messages.UNSERVED)
        jobs.finish(ctx, job, 'failed')


# --- what could be managed
class List:
    """What a volume service does with the job that asks what there is; its answer is for the request that waits."""

    def run(self, work):
        look = _LOOKS[work.job.payload['of']]
        if isinstance(work.driver, interface.Manages):
            outcome, answer = 'done', look(work)
        else:
            outcome, answer = 'failed', []
        with work.ctx.writing():
            answers.give(work.ctx, work.job.id, answer)
            jobs.finish(work.ctx, work.job, outcome)

    def give_up(self, work, reason):
        LOG.error('What could be managed on %s is not known: %s.', work.job.topic, reason)
        with work.ctx.writing():
            jobs.finish(work.ctx, work.job, 'failed')

    def unserved(self, ctx, job):
        jobs.finish(ctx, job, 'failed')


def _volumes(work):
    """Every image, and whether it is a volume, or was one and is being removed."""
    ctx, backend = work.ctx, work.job.topic
    found = work.driver.manageable()
    with ctx.reading():
        known = volume_manage.images(ctx, backend)
        in_hand = checks.in_hand(ctx, backend)
    listed = []
    for entry in found:
        key = f'{backend}#{entry.pool}', driver_values.id_in(ctx.conf.volume_name_template, entry.name)
        reason = entry.reason_not_safe
        if key in known:
            reason = 'already managed'
        elif entry.name in in_hand:
            reason = 'a volume moves to or from it'
        listed.append(_entry(entry, reason, known.get(key)))
    return listed


def _snapshots(work):
    """Every snapshot of a volume, and whether it is one of blockctl's."""
    ctx, backend = work.ctx, work.job.topic
    found = work.driver.manageable_snapshots()
    with ctx.reading():
        images = volume_manage.images(ctx, backend)
        known = volume_manage.of_snapshots(ctx, backend)
    listed = []
    for entry in found:
        image_id = driver_values.id_in(ctx.conf.volume_name_template, entry.volume)
        volume_id = images.get((f'{backend}#{entry.pool}', image_id))
        snapshot_id = driver_values.id_in(ctx.conf.snapshot_name_template, entry.name)
        reason, managed = entry.reason_not_safe, (volume_id, snapshot_id) in known
        if managed:
            reason = 'already managed'
        elif volume_id is None:
            reason = reason or 'its volume is not managed'
        listed.append({**_entry(entry, reason, snapshot_id if managed else None),
                       'source_reference': {'source-name': entry.volume}})
    return listed


_LOOKS = {'volumes': _volumes, 'snapshots': _snapshots}


def _entry(found, reason, known_id):
    values = dataclasses.asdict(found)
    return {'pool': values['pool'], 'reference': {'source-name': values['name']}, 'size': values['size'],
            'safe_to_manage': reason is None, 'reason_not_safe': reason, 'cinder_id': known_id,
            'extra_info': values['extra_info']}

# SPDX-License-Identifier: Apache-2.0
"""Creating a group: an empty one, which only needs a place, or one with copies of what another group holds.

::

    api        the group, its quota and its job; with a source also its volumes, each with its quota and its own job
    scheduler  empty: the best pool that fits all volume types; else: wait until every volume's job has ended

A group with a source is 'available' when all its volumes are, and in error when one of them is: they are there, or
gone, by their own jobs, whatever becomes of the group's.
"""

import collections
import dataclasses
from typing import Any

from oslo_log import log as logging
from oslo_utils import uuidutils
from taskflow import task

from blockctl import exceptions
from blockctl import user_messages
from blockctl.db import deadlocks
from blockctl.db import groups
from blockctl.db import holds
from blockctl.db import jobs
from blockctl.db import messages
from blockctl.db import quotas
from blockctl.db.transition import transition
from blockctl.flows import notifications
from blockctl.flows import volume_create
from blockctl.rpc import scheduler as scheduler_rpc
from blockctl.rpc import transport
from blockctl.states import GROUP
from blockctl.states import VOLUME
from blockctl.states import Machine

LOG = logging.getLogger(__name__)

KIND = 'group.create'

#: Seconds after which a job that waits for others looks at them again though none of them has said that it ended.
PATIENCE = 5.0


@dataclasses.dataclass(frozen=True, slots=True)
class Origin:
    """What a group is made of: a row with its ``machine``, and ``unchanged(ctx)``, asked with the row locked."""

    machine: Machine
    id: str
    column: str  # of the new group, that names it
    unchanged: Any


# --- the api half
@deadlocks.retried
def create_group(ctx, row, type_ids, payload):
    """Accept an empty group; returns its row (of db.groups). Raises OverQuota.

    ``row``: its columns; ``payload``: what :class:`Schedule` reads: availability_zone, and types, the extra specs of
    each.
    """
    with ctx.writing():
        quotas.reserve(ctx, row['project_id'], groups.DELTAS)
        groups.insert(ctx, type_ids, **row, status=GROUP.initial)
        job_id = jobs.post(ctx, KIND, row['id'], transport.SCHEDULER, payload)
        ctx.app.points('group.create.api.before_commit')
        stored = groups.get(ctx, row['id'])
    ctx.app.points('group.create.api.committed')
    notifications.group(ctx, stored, 'create.start')
    scheduler_rpc.create_group(ctx, job_id)
    return stored


@deadlocks.retried
def create_group_from(ctx, row, type_ids, origin, requests):
    """Accept a group with volumes (flows.volume_create.CreateVolume, each with a source); returns its row.

    All of it is in one transaction: over quota, or with one source that cannot be read now, nothing is stored.
    Raises OverQuota, InvalidState, ResourceBusy (the source has other volumes by now).
    """
    with ctx.writing():
        quotas.reserve(ctx, row['project_id'], _deltas(requests))
        transition(ctx, origin.machine, origin.id, 'clone')
        if not origin.unchanged(ctx):
            raise exceptions.ResourceBusy(resource=origin.machine.resource, id=origin.id)
        groups.insert(ctx, type_ids, **row, **{origin.column: origin.id}, status=GROUP.initial)
        made = [ctx.app.flows.run('group_member_create', (
            volume_create.ExtractVolumeRequestTask, volume_create.EntryCreateTask, PostMemberTask),
            ctx=ctx, request=request, volume_id=uuidutils.generate_uuid(), group_id=row['id']) for request in requests]
        job_id = jobs.post(ctx, KIND, row['id'], transport.SCHEDULER, {'members': len(requests)})
        ctx.app.points('group.create.api.before_commit')
        stored = groups.get(ctx, row['id'])
    ctx.app.points('group.create.api.committed')
    notifications.group(ctx, stored, 'create.start')
    for results in made:
        scheduler_rpc.create_volume(ctx, results['member_job_id'])
    scheduler_rpc.create_group(ctx, job_id)
    return stored


def _deltas(requests):
    """What the group and all its volumes take together, so that usage is locked in one order."""
    total = collections.Counter(groups.DELTAS)
    for request in requests:
        total.update(quotas.volume_deltas(request.size, request.volume_type.id if request.volume_type else None))
    return total


class PostMemberTask(task.Task):
    """Post the job of one of the group's volumes, which holds its source; a rollback undoes it."""

    default_provides = 'member_job_id'

    def execute(self, ctx, request, entry, group_id):
        payload = {**entry['payload'], 'awaited_by': group_id}
        job_id = jobs.post(ctx, volume_create.KIND, entry['row']['id'], transport.SCHEDULER, payload)
        holds.hold(ctx, request.source.id, job_id)
        return job_id


# --- the scheduler half
_FAILED = GROUP.moves['create.fail'].target


class Schedule:
    """What a scheduler does with the job."""

    def __init__(self, picker):
        self._picker = picker

    def run(self, work):
        if 'members' in work.job.payload:
            self._look(work)
        else:
            self._place(work)

    def give_up(self, work, reason):
        LOG.error('Group %s cannot be created: %s.', work.job.resource_id, reason)
        with work.ctx.writing():
            _fail(work, user_messages.UNKNOWN)

    def _place(self, work):
        """Name the best pool that passes for every type. It promises nothing yet: that is for each volume to ask."""
        ctx, job = work.ctx, work.job
        choices = [self._picker.pick(ctx, {
            'size': 0, 'availability_zone': job.payload['availability_zone'], 'extra_specs': specs,
            'project_id': job.project_id}) for specs in job.payload['types']]
        common = set.intersection(*({pool.name for pool in choice.pools} for choice in choices))
        pool = next((pool for pool in choices[0].pools if pool.name in common), None)
        if pool is None and not all(choice.final for choice in choices):
            raise exceptions.BackendUnavailable(reason='services that count as down may just not have beaten yet')
        with ctx.writing():
            if pool is None:
                LOG.warning('Group %s: %s', job.resource_id, '; '.join(choice.summary() for choice in choices))
                _fail(work, user_messages.NO_PLACE)
            else:
                _done(work, host=pool.name, availability_zone=pool.zone)
            work.point(f'{KIND}.scheduler.before_commit')
        work.point(f'{KIND}.scheduler.committed')
        if pool is None:
            notifications.failed(ctx, 'scheduler.create_group', group_id=job.resource_id, state=_FAILED,
                                 method='create_group', reason='; '.join(choice.summary() for choice in choices))
        else:
            _tell_done(work)

    def _look(self, work):
        """Settle the group when each of its volumes is settled, else wait."""
        ctx, job = work.ctx, work.job
        with ctx.writing():
            members = groups.members(ctx, job.resource_id)
            complete = (len(members) == job.payload['members']
                        and all(row.status in VOLUME.moves['clone'].sources for row in members))
            if any(row.status == VOLUME.initial for row in members):
                jobs.put_back(ctx, job, PATIENCE, failed=False)
            elif complete:
                _done(work)
            else:
                _fail(work, user_messages.NOT_ALL_MADE)
            work.point(f'{KIND}.scheduler.before_settle_commit')
        work.point(f'{KIND}.scheduler.settled')
        if complete:
            _tell_done(work)


def _done(work, **values):
    ctx, job = work.ctx, work.job
    transition(ctx, GROUP, job.resource_id, 'create.done', **values)
    jobs.finish(ctx, job, 'done')


def _tell_done(work):
    LOG.info('Group %s is available.', work.job.resource_id)
    with work.ctx.reading():
        row = groups.get(work.ctx, work.job.resource_id)
    notifications.group(work.ctx, row, 'create.end')


def _fail(work, detail):
    ctx, job = work.ctx, work.job
    transition(ctx, GROUP, job.resource_id, 'create.fail')
    action = user_messages.CREATE_GROUP
    messages.write(ctx, job, 'GROUP', user_messages.event_id('group', action, detail),
                   user_messages.text(action, detail))
    jobs.finish(ctx, job, 'failed')

# SPDX-License-Identifier: Apache-2.0
"""Giving a volume that is offered to the project that takes it, and its key with it (doc/adr/0009).

A volume that has no key of its own changes hands in one transaction of the request.  That of one that has is a job,
whose end the request waits for: the key is copied into the accepting project first; the same transaction then gives the
volume away and names the copy; and the former key goes, for which there is a job of its own.  The name of the copy is
this job's alone, so what a killed worker has made is found, and used or removed, and nothing else is.
"""

import contextlib

from oslo_log import log as logging
from oslo_utils import uuidutils

from blockctl import exceptions
from blockctl import user_messages
from blockctl.conf.key_manager import FIXED_KEY_ID
from blockctl.db import answers
from blockctl.db import deadlocks
from blockctl.db import jobs
from blockctl.db import messages
from blockctl.db import transfers
from blockctl.db import volume_changes
from blockctl.db import volume_type_encryption
from blockctl.db import volume_types
from blockctl.db import volumes
from blockctl.db.tables import volumes as table
from blockctl.db.transition import transition
from blockctl.flows import notifications
from blockctl.jobs import waiting
from blockctl.rpc import volume as volume_rpc
from blockctl.states import VOLUME

LOG = logging.getLogger(__name__)

KIND = 'volume.transfer'
CLEAR = 'key.clear'

#: The job's step while a copy of the key may be there that no row names.
COPYING = 'key'

#: Errors that refuse to give a volume away, by their names in the answers of jobs; each before those it is one of.
_REFUSALS = {kind.__name__: kind for kind in (
    exceptions.CannotTransfer, exceptions.TransferNotFound, exceptions.VolumeNotFound, exceptions.InUseOtherwise,
    exceptions.InvalidState, exceptions.VolumeSizeExceedsLimit, exceptions.OverQuota, exceptions.ResourceBusy)}

#: Errors of the key manager that no other try would change.
_REFUSED = (exceptions.KeyRefused, exceptions.ConfigurationError)


# --- both ways
def move(ctx, volume, event, **values):
    """Move an unused volume, if it still is what its row says."""
    unchanged = [table.c[name] == getattr(volume, name)
                 for name in ('project_id', 'size', 'use_quota', 'volume_type_id', 'encryption_key_id')]
    transition(ctx, VOLUME, volume.id, event, table.c.attach_status == 'detached', table.c.growth == 0, *unchanged,
               **values)


def check_free(ctx, volume, encrypted=True):
    """Raise CannotTransfer when something stands against it; ``encrypted``: not that it is encrypted."""
    has_key = volume.encryption_key_id is not None
    is_encrypted = has_key or volume_type_encryption.settings(ctx, volume.volume_type_id) is not None
    reasons = [text for wrong, text in (
        (volume.group_id is not None, f'it is part of group {volume.group_id}'),
        (is_encrypted and not encrypted, 'it is encrypted, which this version of the API does not offer'),
        (is_encrypted and not has_key, 'it is encrypted, and has no key'),
        (has_key and volume.host is None, 'no storage has it')) if wrong]
    if reasons:
        raise exceptions.CannotTransfer(volume_id=volume.id, reason='; '.join(reasons))


def needs_copy(ctx, volume):
    """Whether the volume has a key that the caller's project cannot read."""
    return volume.encryption_key_id not in (None, FIXED_KEY_ID) and volume.project_id != ctx.project_id


def hand_over(ctx, offer, volume, key_id=None):
    """Give a volume to the caller's project, and its snapshots if they are part of the offer; in one transaction.

    ``key_id``: of its key there, which is that of its snapshots too, also of those that stay.  Raises what is in
    _REFUSALS.
    """
    going = _check(ctx, offer, volume)
    transfers.move_quota(ctx, volume, going, ctx.project_id)
    move(ctx, volume, 'transfer.accept', project_id=ctx.project_id, user_id=ctx.user_id,
         encryption_key_id=key_id or volume.encryption_key_id)
    if offer.with_snapshots:
        transfers.move_snapshots(ctx, volume.id, going, ctx.project_id, ctx.user_id)
    if key_id is not None:
        transfers.set_snapshots_key(ctx, volume.id, volume.encryption_key_id, key_id)
    transfers.remove(ctx, offer.id)


def _check(ctx, offer, volume):
    """The rows of the snapshots that go along."""
    _check_type(ctx, volume)
    check_free(ctx, volume)
    return transfers.movable_snapshots(ctx, volume.id) if offer.with_snapshots else []


def _check_type(ctx, volume):
    try:
        if volume.volume_type_id:
            volume_types.get(ctx, volume.volume_type_id, volume_types.usable(ctx.project_id))
    except exceptions.VolumeTypeNotFound:
        raise exceptions.CannotTransfer(
            volume_id=volume.id, reason='its type is private, and not for the project that accepts it') from None


# --- the API's half
def take(ctx, offer, volume):
    """Return when the volume and its key are the caller's project's. Raises what is in _REFUSALS, StillUnderWay."""
    job_id = _post(ctx, offer, volume)
    volume_rpc.tell(ctx, volume.host, 'transfer_volume', job_id)
    outcome, refusal = waiting.outcome(ctx, job_id)
    if refusal is not None:
        raise _REFUSALS[refusal['error']](refusal['text'])
    if outcome != 'done':  # it was withdrawn, or an administrator has spoken
        with ctx.reading():
            transfers.get(ctx, offer.id)
        raise exceptions.ResourceBusy(resource='volume', id=volume.id)


@deadlocks.retried
def _post(ctx, offer, volume):
    name = f'volume-{volume.id}.{uuidutils.generate_uuid()}'
    with ctx.writing():
        _check(ctx, offer, volume)
        move(ctx, volume, 'transfer.take')
        job_id = jobs.post(ctx, KIND, volume.id, volume_rpc.backend_of(volume.host), {
            'transfer_id': offer.id, 'key_name': name})
        ctx.app.points(f'{KIND}.api.before_commit')
    ctx.app.points(f'{KIND}.api.committed')
    return job_id


def end_taking(ctx, volume_id):
    """Nobody takes the volume any more; in the transaction that withdraws its offer. A copy of its key goes."""
    job_id = jobs.live_id(ctx, volume_id)
    if job_id is not None and jobs.get(ctx, job_id).kind == KIND:
        jobs.supersede(ctx, volume_id)


# --- the backend's half
class Transfer:
    """What a volume service does with the job. Until the volume is handed over, its offer can be withdrawn."""

    def run(self, work):
        ctx = work.ctx
        try:
            with ctx.reading():
                offer = transfers.get(ctx, work.job.payload['transfer_id'])
                volume = volumes.get(ctx, work.job.resource_id)
            key_id = _copy(work, volume)
        except (exceptions.TransferNotFound, exceptions.VolumeNotFound) as error:
            self._refuse(work, error)
            return
        except _REFUSED as error:
            LOG.error('The key of volume %s could not be copied: %s', work.job.resource_id, error)
            self._refuse(work, _no_key(work.job))
            return
        try:
            self._end(work, offer, volume, key_id)
        except exceptions.LeaseLost:
            # Who clears up may have looked before this copy was there; or another worker has found and used it.
            with contextlib.suppress(exceptions.KeyManagerUnavailable, *_REFUSED):
                _remove_unless_named(work, volume.id, key_id)
            raise

    def _end(self, work, offer, volume, key_id):
        ctx = work.ctx
        former = _clearing(work.job, volume.project_id, key_id=volume.encryption_key_id)
        try:
            with ctx.writing():
                hand_over(ctx, offer, volume, key_id)
                clear_id = jobs.post(ctx, **former)
                jobs.finish(ctx, work.job, 'done')
                taken = volumes.get(ctx, volume.id)
                work.point(f'{KIND}.volume.before_commit')
        except tuple(_REFUSALS.values()) as error:
            self._refuse(work, error)
            return
        work.point(f'{KIND}.volume.committed')
        LOG.info('Volume %s and its key are given to another project.', volume.id)
        notifications.volume(ctx, taken, 'transfer.accept.end')
        volume_rpc.tell(ctx, work.job.topic, 'clear_key', clear_id)

    def give_up(self, work, reason):
        LOG.error('Volume %s stays with its project: %s.', work.job.resource_id, reason)
        self._refuse(work, _no_key(work.job))

    def unserved(self, ctx, job):
        """Nobody can copy the key (jobs/sweeper.py): the volume goes on awaiting its transfer."""
        _settle(ctx, job, user_messages.UNSERVED, exceptions.CannotTransfer(
            volume_id=job.resource_id, reason='the storage that holds it does not answer'))

    def _refuse(self, work, error):
        with work.ctx.writing():
            clear_id = _settle(work.ctx, work.job, user_messages.NOT_TRANSFERRED, error, str(error))
            work.point(f'{KIND}.volume.before_settle_commit')
        work.point(f'{KIND}.volume.settled')
        if clear_id:
            volume_rpc.tell(work.ctx, work.job.topic, 'clear_key', clear_id)


def _no_key(job):
    return exceptions.CannotTransfer(volume_id=job.resource_id,
                                     reason='its key could not be copied for the project that accepts it')


def _settle(ctx, job, detail, error, more=''):
    """The volume stays with its project, and offered. The id of the job that removes the copy of its key, or None."""
    name = next(name for name, kind in _REFUSALS.items() if isinstance(error, kind))
    answers.give(ctx, job.id, {'error': name, 'text': str(error)})
    action = user_messages.TRANSFER_VOLUME
    messages.write(ctx, job, 'VOLUME', user_messages.event_id('volume', action, detail),
                   user_messages.text(action, detail, more))
    jobs.finish(ctx, job, 'failed')  # first: what ended the job before has had the copy cleared away, too
    leaves = job.payload.get('leaves')
    return jobs.post(ctx, **leaves, to_fence=job.to_fence) if leaves else None


def _copy(work, volume):
    """The id of the key's copy for the project of the job; it may have been made before."""
    keys, owner, name = work.ctx.app.keys, work.job.project_id, work.job.payload['key_name']
    found = keys.named(owner, name) if work.job.step == COPYING else []
    if work.job.step != COPYING:
        with work.ctx.writing():
            work.advance(step=COPYING, payload={**work.job.payload, 'leaves': _clearing(work.job, owner, name=name)})
    for superfluous in found[1:]:
        keys.delete(owner, superfluous)
    work.lease.enter(0)  # a step of its own: it may take as long as the key manager may
    work.lease.check()
    work.point(f'{KIND}.volume.before_key')
    key_id = found[0] if found else keys.copy(volume.project_id, volume.encryption_key_id, owner, name)
    work.point(f'{KIND}.volume.key_made')
    return key_id


def _remove_unless_named(work, volume_id, key_id):
    with work.ctx.reading():
        named = volume_changes.key_of(work.ctx, volume_id)
    if named != key_id:
        work.ctx.app.keys.delete(work.job.project_id, key_id)


# --- what a transfer leaves behind
def _clearing(job, project_id, **which):
    """The job that removes keys of a project; ``which``: ``key_id``, or ``name`` for all that are called so."""
    return {'kind': CLEAR, 'resource_id': uuidutils.generate_uuid(), 'topic': job.topic, 'payload': {
        'volume_id': job.resource_id, 'project_id': project_id, **which}}


class Clear:
    """What a volume service does with the job that removes keys which no row names (any more)."""

    def run(self, work):
        try:
            self._remove(work)
        except _REFUSED as error:
            self.give_up(work, str(error))
            return
        with work.ctx.writing():
            jobs.finish(work.ctx, work.job, 'done')
            work.point(f'{CLEAR}.volume.before_commit')
        work.point(f'{CLEAR}.volume.committed')

    def _remove(self, work):
        keys, payload = work.ctx.app.keys, work.job.payload
        owner = payload['project_id']
        work.lease.enter(0)
        work.lease.check()
        work.point(f'{CLEAR}.volume.before_effect')
        for key_id in [payload['key_id']] if 'key_id' in payload else keys.named(owner, payload['name']):
            keys.delete(owner, key_id)
        work.point(f'{CLEAR}.volume.effected')

    def give_up(self, work, reason):
        """It is never given up: no row names these keys, so nobody else would remove them."""
        LOG.error('A key of volume %s in project %s cannot be removed yet: %s.', work.job.payload['volume_id'],
                  work.job.payload['project_id'], reason)
        with work.ctx.writing():
            jobs.strand(work.ctx, work.job)

    def unserved(self, ctx, job):
        """They wait for a process that has the key manager."""
        jobs.strand(ctx, job)

# SPDX-License-Identifier: Apache-2.0
"""Connecting hosts to volumes, and taking that back: for attachments, and for the actions that came before them.

The API's half moves the attachment and posts the job; the request then waits for its end (jobs/waiting.py).  A driver
whose connect() changes nothing (drivers.interface: Connects.exports) leaves nothing to take back: its attachments go in
one transaction, without a job, whether or not the backend can be reached.
"""

import dataclasses

from oslo_log import log as logging
from oslo_utils import uuidutils

from blockctl import exceptions
from blockctl import user_messages
from blockctl.db import answers
from blockctl.db import attachments
from blockctl.db import deadlocks
from blockctl.db import holds
from blockctl.db import jobs
from blockctl.db import messages
from blockctl.db import qos_specs
from blockctl.db import volume_types
from blockctl.db import volumes
from blockctl.db.columns import utcnow
from blockctl.db.transition import transition
from blockctl.drivers import interface
from blockctl.flows import change
from blockctl.flows import driver_values
from blockctl.jobs import runner
from blockctl.jobs import waiting
from blockctl.rpc import volume as volume_rpc
from blockctl.states import ATTACHMENT
from blockctl.states import VOLUME

LOG = logging.getLogger(__name__)

CONNECT, DISCONNECT = 'attachment.connect', 'attachment.disconnect'
INITIALIZE, TERMINATE = 'connection.initialize', 'connection.terminate'

#: The extra spec that lets hosts cache a volume's data.
CACHEABLE_SPEC = ('cacheable', '<is> True')

#: Where a server sees the volume, when its connector does not say.
NO_MOUNTPOINT = 'na'

READ_ONLY, READ_WRITE = 'ro', 'rw'


# --- the API's half: attachments
def post_connect(ctx, volume, attachment_id, connector, before=None, fresh=False):
    """Post the job that connects a host, in the caller's transaction. Returns its id.

    ``before``: the connector of the connection that this one takes the place of.  ``fresh``: the request that waits for
    it makes the attachment too, so this does not outlive a failure.  Raises ResourceBusy while another is under way.
    """
    return jobs.post(ctx, CONNECT, attachment_id, backend_of(volume), {
        'volume_id': volume.id, 'connector': connector, 'before': before, 'fresh': fresh})


def backend_of(volume):
    """The topic of a volume's jobs. Raises InvalidRequest while no storage has it."""
    if volume.host is None:
        raise exceptions.InvalidRequest(reason=f'volume {volume.id} cannot be connected: no storage has it')
    return volume_rpc.backend_of(volume.host)


def wait_connected(ctx, volume, job_id):
    """Return when the host is connected. Raises ConnectionFailed, ResourceBusy (it was detached), StillUnderWay."""
    volume_rpc.tell(ctx, volume.host, 'connect_attachment', job_id)
    outcome, _ = waiting.outcome(ctx, job_id, answered=False)
    if outcome == 'superseded':
        raise exceptions.ResourceBusy(resource='volume', id=volume.id)
    if outcome != 'done':
        raise exceptions.ConnectionFailed(volume_id=volume.id)


@deadlocks.retried
def detach(ctx, volume_id, attachment_id):
    """Have an attachment go. Returns (the volume's row as it was, its other attachments, the id of the job or None).

    It goes from here on, whatever becomes of the request.  Raises AttachmentNotFound.
    """
    with ctx.writing():
        volume = volumes.lock(ctx, volume_id)
        rows = {row.id: row for row in attachments.of_volume(ctx, volume_id)}
        row = rows.pop(attachment_id, None)
        if row is None:
            raise exceptions.AttachmentNotFound(attachment_id=attachment_id)
        others = list(rows.values())
        live = jobs.live_id(ctx, row.id)
        if live and row.attach_status == 'detaching':
            return volume, others, live
        if row.exported or live:
            job_id = _post_disconnect(ctx, volume, row)
        else:
            job_id = None
            attachments.remove(ctx, row)
        states = {other.attach_status for other in others}
        attachments.settle(ctx, volume, states | {'detaching'} if job_id else states)
        ctx.app.points(f'{DISCONNECT}.api.before_commit')
    ctx.app.points(f'{DISCONNECT}.api.committed')
    if job_id:
        volume_rpc.tell(ctx, volume.host, 'disconnect_attachment', job_id)
    return volume, others, job_id


def _post_disconnect(ctx, volume, row):
    if row.attach_status != 'detaching':
        transition(ctx, ATTACHMENT, row.id, 'detach')
    # A live job connects it right now, or may have: what comes of that is taken back.
    to_fence, not_before = jobs.supersede(ctx, row.id)
    return jobs.post(ctx, DISCONNECT, row.id, backend_of(volume), {
        'volume_id': volume.id, 'connector': row.connector}, to_fence, not_before)


# --- the API's half: connections without an attachment
def initialize(ctx, seen, connector):
    """Connect a host. Returns os-brick's information; raises InvalidState, ConnectionFailed, StillUnderWay.

    ``seen``: the volume's row, as it was when the right to this was checked.  The volume is held while its backend
    works on that: it does not go meanwhile.
    """
    volume, job_id = _accept_initialize(ctx, seen, connector)
    volume_rpc.tell(ctx, volume.host, 'initialize_connection', job_id)
    _, answer = waiting.outcome(ctx, job_id)
    if answer is None:
        raise exceptions.ConnectionFailed(volume_id=volume.id)
    return answer


@deadlocks.retried
def _accept_initialize(ctx, seen, connector):
    with ctx.writing():
        volume = volumes.lock(ctx, seen.id, seen.project_id)
        transition(ctx, VOLUME, volume.id, 'connection')
        # A job of its own: a volume may have several connections, and other work.
        job_id = jobs.post(ctx, INITIALIZE, uuidutils.generate_uuid(), backend_of(volume), {
            'volume_id': volume.id, 'connector': connector})
        holds.hold(ctx, volume.id, job_id)
    return volume, job_id


def terminate(ctx, volume, connector):
    """Take the connection of a host back, or all there are (None). Raises ConnectionFailed, StillUnderWay."""
    if volume.host is None:
        return
    with ctx.writing():
        job_id = jobs.post(ctx, TERMINATE, uuidutils.generate_uuid(), backend_of(volume), {
            'volume_id': volume.id, 'connector': connector})
    volume_rpc.tell(ctx, volume.host, 'terminate_connection', job_id)
    outcome, _ = waiting.outcome(ctx, job_id, answered=False)
    if outcome != 'done':
        raise exceptions.ConnectionFailed(volume_id=volume.id)


# --- the backend's half
@dataclasses.dataclass(frozen=True, slots=True)
class _Found:
    """What a job needs to know; each is None when it is gone."""

    volume: object
    attachment: object = None
    notes: dict | None = None
    specs: dict | None = None
    qos: qos_specs.OfType | None = None


class _Connection(change.Change):
    """What the four kinds of job have in common. Nobody is notified: the requests do that."""

    action = user_messages.UPDATE_ATTACHMENT
    detail = user_messages.NOT_CONNECTED
    fails = None

    def read(self, ctx, job):
        try:
            volume = volumes.get(ctx, job.payload['volume_id'])
        except exceptions.VolumeNotFound:
            return _Found(None)
        return _Found(volume, *self.related(ctx, job), volume_types.extra_specs(ctx, volume.volume_type_id),
                      qos_specs.of_type(ctx, volume.volume_type_id))

    def related(self, ctx, job):
        """(attachment, notes), what is needed of them."""
        return attachments.find(ctx, job.resource_id), None

    def wanted(self, job, found):
        """Whether the connection is still wanted; if not, it is taken back."""
        return False

    def effect(self, work, found):
        """(whether something was exported, os-brick's information); None: there is no connection (any more)."""
        payload = work.job.payload
        if found.volume is None:
            return None
        driver = driver_values.able(work, interface.Connects)
        volume = driver_values.volume(work.ctx, found.volume)
        if payload.get('before'):
            _take_back(work, volume, payload['before'])
        if not self.wanted(work.job, found):
            _take_back(work, volume, payload['connector'])
            return None
        try:
            return driver.exports, driver.connect(volume, _connector(payload['connector']), work.effect())
        except runner.LATER:
            raise
        except (exceptions.BackendError, exceptions.InvalidRequest):
            if driver.exports:  # a part of it may be there, or all of it, from before: nothing will say so
                _take_back(work, volume, payload['connector'])
            raise

    def done(self, work, found, made):
        pass

    def _settle(self, ctx, job, detail):
        """The request that waits for it may have been answered long ago: a message tells the volume's tenant, too."""
        messages.write(ctx, job, 'VOLUME', user_messages.event_id('volume', self.action, detail),
                       user_messages.text(self.action, detail), job.payload['volume_id'])


def _take_back(work, volume, given):
    """Disconnect a host, unless another attachment needs it. ``volume``: as drivers see it."""
    if not _shared(work, volume, given):
        work.driver.disconnect(volume, _connector(given), work.effect())


def _shared(work, volume, given):
    """Whether another attachment of the volume needs the same host to stay connected."""
    host = _key_of(given)
    with work.ctx.reading():
        others = attachments.of_volume(work.ctx, volume.id)
    return host is not None and any(
        other.exported and other.id != work.job.resource_id and other.attach_status != 'detaching'
        and _key_of(other.connector) == host for other in others)


def _key_of(connector):
    """What tells hosts apart; None: of all hosts."""
    return (connector.get('host'), connector.get('initiator'), connector.get('nqn')) if connector else None


def _connector(given):
    """A host as drivers see it, of what os-brick says; None: all hosts."""
    if not given:
        return None
    return interface.Connector(host=given.get('host', ''), ip=given.get('ip'), initiator=given.get('initiator'),
                               nqn=given.get('nqn'), multipath=bool(given.get('multipath')))


def _complete(found, info, connector, access_mode):
    """os-brick's information with what is known here: (driver_volume_type, data)."""
    volume = found.volume
    key, value = CACHEABLE_SPEC
    return info['driver_volume_type'], {
        'volume_id': volume.id, **info['data'], 'qos_specs': found.qos.for_host(volume.size),
        'access_mode': access_mode,
        'encrypted': volume.encryption_key_id is not None,
        'cacheable': found.specs.get(key) == value and not volume.multiattach,
        'enforce_multipath': bool(connector.get('enforce_multipath'))}


class Connect(_Connection):
    """Connects the host of an attachment."""

    kind = CONNECT
    machine = ATTACHMENT

    def wanted(self, job, found):
        return found.attachment is not None and not job.payload.get('stranded')

    def done(self, work, found, made):
        if made is None:
            return
        exported, info = made
        attachment = found.attachment
        kind, data = _complete(found, info, work.job.payload['connector'], attachment.attach_mode or READ_WRITE)
        transition(work.ctx, ATTACHMENT, attachment.id, 'connect.done', exported=exported, attach_time=utcnow(),
                   connection_info={**data, 'driver_volume_type': kind, 'attachment_id': attachment.id})

    def _settle(self, ctx, job, detail):
        """It is as it was when it was reserved; or gone, when nobody knows of it yet."""
        super()._settle(ctx, job, detail)
        row = attachments.find(ctx, job.resource_id)
        if row is None:
            return  # an administrator has removed it
        volume = volumes.lock(ctx, job.payload['volume_id'])
        if job.payload['fresh']:
            attachments.remove(ctx, row)
        else:
            transition(ctx, ATTACHMENT, job.resource_id, 'connect.fail', connector=None, connection_info={},
                       exported=False)
        attachments.settle(ctx, volume)


class Disconnect(_Connection):
    """Takes the connection of an attachment back. The attachment goes in any case."""

    kind = DISCONNECT
    machine = ATTACHMENT
    detail = user_messages.NOT_DISCONNECTED

    def done(self, work, found, made):
        self._remove(work.ctx, work.job)

    def _settle(self, ctx, job, detail):
        LOG.error('The connection of attachment %s of volume %s may still be there on %s.', job.resource_id,
                  job.payload['volume_id'], job.topic)
        super()._settle(ctx, job, detail)
        self._remove(ctx, job)

    @staticmethod
    def _remove(ctx, job):
        row = attachments.find(ctx, job.resource_id)
        if row is None:
            return  # an administrator was faster, or the backend was away for long
        volume = volumes.lock(ctx, row.volume_id)
        attachments.remove(ctx, row)
        attachments.settle(ctx, volume)


class Initialize(_Connection):
    """Connects a host that has no attachment; the request that waits gets the information."""

    kind = INITIALIZE

    def related(self, ctx, job):
        return None, attachments.notes(ctx, job.payload['volume_id'])

    def wanted(self, job, found):
        return not job.payload.get('stranded')

    def done(self, work, found, made):
        if made is None:
            return
        _, info = made
        connector = work.job.payload['connector']
        mode = found.notes.get('attached_mode') or (
            READ_ONLY if found.notes.get('readonly') == 'True' else READ_WRITE)
        kind, data = _complete(found, info, connector, mode)
        answers.give(work.ctx, work.job.id, {'driver_volume_type': kind, 'data': data,
                                             'enforce_multipath': data['enforce_multipath']})

    def _settle(self, ctx, job, detail):
        super()._settle(ctx, job, detail)
        holds.let_go(ctx, job.id)


class Terminate(_Connection):
    """Takes a connection back that has no attachment."""

    kind = TERMINATE
    detail = user_messages.NOT_DISCONNECTED

# SPDX-License-Identifier: Apache-2.0
"""What can be done with attachments: a server reserves a volume, says which host it is on, and says when it has it."""

import dataclasses
from typing import Any

from oslo_utils import uuidutils

from blockctl import exceptions
from blockctl.db import attachments
from blockctl.db import deadlocks
from blockctl.db import volumes as db_volumes
from blockctl.db.transition import transition
from blockctl.flows import attachment_connect
from blockctl.flows import notifications
from blockctl.jobs import waiting
from blockctl.operations import server_use
from blockctl.operations import volumes
from blockctl.states import ATTACHMENT
from blockctl.states import VOLUME

SORTS = frozenset(attachments.SORTS)


@dataclasses.dataclass(frozen=True, slots=True)
class NewAttachment:
    """``connector``: the host, when it is known already. ``mode``: 'rw', 'ro' or None (as the connector says)."""

    volume_id: str
    instance_id: str | None = None
    connector: dict[str, Any] | None = None
    mode: str | None = None


def visible(ctx, attachment_id, rule, find=attachments.brief):
    """What ``find`` gives of the row, in the caller's transaction, when the caller may do ``rule`` to it.

    Raises AttachmentNotFound, also for one of another project's volume, or NotAuthorized.
    """
    row = find(ctx, attachment_id) if attachment_id.isascii() and len(attachment_id) <= 36 else None
    if row is None or (row.project_id != ctx.project_id and not ctx.is_admin):
        raise exceptions.AttachmentNotFound(attachment_id=attachment_id)
    ctx.must(rule, row)
    return row


def show(ctx, attachment_id):
    """The row."""
    with ctx.reading():
        return visible(ctx, attachment_id, 'volume:get', attachments.find)


def find(ctx, page, filters, all_tenants=False):
    """The Found attachments of the volumes of the caller's project, or of all."""
    ctx.must('volume:get_all')
    if not all_tenants:
        filters = {name: wanted for name, wanted in filters.items() if name != 'project_id'}
    with ctx.reading():
        return attachments.page(ctx, None if all_tenants else ctx.project_id, filters, page)


def create(ctx, new):
    """Reserve a volume for a server; with a connector, connect its host too. Returns the row.

    ================================  ==============================  =======================================
    condition                         error                           what the caller should do
    ================================  ==============================  =======================================
    its state forbids it              InvalidState                    wait
    another server has it             InvalidState                    use a type that allows several
    it is bootable, and shared        NotAuthorized                   ask for the right
    the backend could not connect it  ConnectionFailed                nothing is left of it: ask again
    the backend does not answer       StillUnderWay                   the same
    ================================  ==============================  =======================================
    """
    volume, row, job_id = _accept(ctx, new)
    if not job_id:
        return row
    notifications.volume(ctx, volume, 'attach.start')
    try:
        attachment_connect.wait_connected(ctx, volume, job_id)
    except exceptions.StillUnderWay:
        # Nobody would learn the attachment's id: it goes.
        attachment_connect.detach(ctx, volume.id, row.id)
        raise
    return _read(ctx, row.id)


@deadlocks.retried
def _accept(ctx, new):
    """(the volume's row as it was, the attachment's, the id of the job that connects it or None): committed."""
    attachment_id = uuidutils.generate_uuid()
    with ctx.writing():
        seen = volumes.visible(ctx, new.volume_id, 'volume:attachment_create')
        volume = db_volumes.lock(ctx, new.volume_id, seen.project_id)
        settled = _reserve(ctx, volume, new)
        host = new.connector or {}
        attachments.insert(
            ctx, id=attachment_id, volume_id=volume.id, project_id=volume.project_id, instance_id=new.instance_id,
            attach_mode=_mode(ctx, volume.id, new.mode or host.get('mode')),
            attach_status='attaching' if host else 'reserved', connection_info={}, **_of_host(new.connector))
        if not settled:
            attachments.settle(ctx, volume)
        job_id = attachment_connect.post_connect(ctx, volume, attachment_id, host, fresh=True) if host else None
        row = attachments.get(ctx, attachment_id)
        ctx.app.points('attachment.create.api.before_commit')
    return volume, row, job_id


def _reserve(ctx, volume, new):
    """Whether the volume has the state that follows from the new attachment. Raises InvalidState, NotAuthorized."""
    rows = attachments.of_volume(ctx, volume.id)
    if new.instance_id is not None and any(row.instance_id == new.instance_id for row in rows):
        event = 'attach.again'
    elif volume.multiattach and rows:
        event = 'attach.share'
        if volume.bootable:
            ctx.must('volume:multiattach_bootable_volume', volume)
    else:
        transition(ctx, VOLUME, volume.id, 'attach.reserve', attach_status='reserved')
        return not new.connector
    transition(ctx, VOLUME, volume.id, event)
    return False


def _mode(ctx, volume_id, wanted):
    """A volume that can only be read is attached so, whatever is wanted."""
    if attachments.notes(ctx, volume_id).get('readonly') == 'True':
        return attachment_connect.READ_ONLY
    return wanted


def _of_host(connector):
    """What is kept of a host."""
    if not connector:
        return {'connector': None}
    return {'connector': connector, 'attached_host': connector.get('host'),
            'mountpoint': connector.get('mountpoint') or attachment_connect.NO_MOUNTPOINT}


def _read(ctx, attachment_id):
    with ctx.reading():
        return attachments.get(ctx, attachment_id)


def update(ctx, attachment_id, connector):
    """Connect the host that an attachment's server is on. Returns the row.

    Raises InvalidState; ConnectedElsewhere when another host has a connection already, and the type allows one only;
    ResourceBusy; ConnectionFailed: it is as it was when it was reserved; StillUnderWay.
    """
    volume, job_id = _accept_host(ctx, attachment_id, connector)
    notifications.volume(ctx, volume, 'attach.start')
    attachment_connect.wait_connected(ctx, volume, job_id)
    return _read(ctx, attachment_id)


@deadlocks.retried
def _accept_host(ctx, attachment_id, connector):
    with ctx.writing():
        volume_id = visible(ctx, attachment_id, 'volume:attachment_update').volume_id
        volume = db_volumes.lock(ctx, volume_id)
        rows = {row.id: row for row in attachments.of_volume(ctx, volume_id)}
        # Nova's live migration gives its second host with the request that makes the attachment.
        if not volume.multiattach and any(row.connector for row in rows.values() if row.id != attachment_id):
            raise exceptions.ConnectedElsewhere(volume_id=volume_id)
        if attachment_id not in rows:
            raise exceptions.AttachmentNotFound(attachment_id=attachment_id)
        row = rows[attachment_id]
        transition(ctx, VOLUME, volume_id, 'attach.connect')
        wanted = connector.get('mode') or row.attach_mode or attachment_connect.READ_WRITE
        transition(ctx, ATTACHMENT, attachment_id, 'connect', attach_mode=_mode(ctx, volume_id, wanted),
                   **_of_host(connector))
        states = {other.attach_status for other in rows.values() if other is not row}
        attachments.settle(ctx, volume, states | {'attaching'})
        before = row.connector if row.exported and row.connector != connector else None
        job_id = attachment_connect.post_connect(ctx, volume, attachment_id, connector, before)
        ctx.app.points('attachment.update.api.before_commit')
    return volume, job_id


@deadlocks.retried
def complete(ctx, attachment_id):
    """Note that the server has the volume. Raises InvalidState."""
    with ctx.writing():
        row = visible(ctx, attachment_id, 'volume:attachment_complete')
        volume = db_volumes.lock(ctx, row.volume_id)
        transition(ctx, ATTACHMENT, attachment_id, 'complete')
        attachments.settle(ctx, volume)
    notifications.volume(ctx, volume, 'attach.end')


def delete(ctx, attachment_id):
    """Have an attachment go. Returns the rows of those that its volume still has.

    Raises UsedByServer when its server has it and this is no service that asks; StillUnderWay when its backend does not
    answer: it goes later.
    """
    with ctx.reading():
        row = visible(ctx, attachment_id, 'volume:attachment_delete')
    server_use.must_be_unused(ctx, row.volume_id, [row])
    return remove(ctx, row.volume_id, attachment_id)


def remove(ctx, volume_id, attachment_id):
    """Have an attachment go, and wait for it; the caller has checked the rights. Returns the rows of the others."""
    volume, others, job_id = attachment_connect.detach(ctx, volume_id, attachment_id)
    notifications.volume(ctx, volume, 'detach.start')
    if job_id:
        waiting.outcome(ctx, job_id, answered=False)
    notifications.volume(ctx, volume, 'detach.end')
    return others

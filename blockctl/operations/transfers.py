# SPDX-License-Identifier: Apache-2.0
"""Giving a volume to another project: one offers it, whoever has the key takes it."""

import hashlib
import hmac
import secrets

from oslo_utils import uuidutils

from blockctl import exceptions
from blockctl.db import deadlocks
from blockctl.db import transfers
from blockctl.db import volumes as db_volumes
from blockctl.db.transition import transition
from blockctl.flows import notifications
from blockctl.flows import volume_transfer
from blockctl.operations import volumes
from blockctl.states import VOLUME

SORTS = frozenset(transfers.SORTS)

#: The state of a volume that is offered.
_OFFERED = VOLUME.moves['transfer'].target

#: What hashing costs. The key is random, not chosen by people: this only makes a stolen table a little more useless.
_ROUNDS = 10_000


def visible(ctx, transfer_id, rule):
    """The row, in the caller's transaction, when the caller may do ``rule`` to it.

    Raises TransferNotFound, also for another project's, or NotAuthorized.
    """
    row = _find(ctx, transfer_id)
    if row.project_id != ctx.project_id and not ctx.is_admin:
        raise exceptions.TransferNotFound(transfer_id=transfer_id)
    ctx.must(rule, row)
    return row


def _find(ctx, transfer_id):
    if not (transfer_id.isascii() and len(transfer_id) <= 36):
        raise exceptions.TransferNotFound(transfer_id=transfer_id)
    return transfers.get(ctx, transfer_id)


def show(ctx, transfer_id):
    """The row."""
    with ctx.reading():
        return visible(ctx, transfer_id, 'volume:get_transfer')


def find(ctx, page, filters, all_tenants=False):
    """The Found offers of the caller's project, or of all."""
    ctx.must('volume:get_all_transfers')
    with ctx.reading():
        return transfers.page(ctx, None if all_tenants else ctx.project_id, filters, page)


def create(ctx, volume_id, name=None, with_snapshots=True, encrypted=True):
    """Offer a volume. Returns (row, key): the key is told this once, only its hash is kept.

    ``encrypted``: whether it may be.

    ================================  ==============================  ===============================
    condition                         error                           what the caller should do
    ================================  ==============================  ===============================
    it is not available, or used      InvalidState                    wait
    it is in a group, or encrypted    CannotTransfer
    without a key, or not to be
    a snapshot of it cannot go along  CannotTransfer                  wait, or offer it without them
    ================================  ==============================  ===============================
    """
    key, salt = secrets.token_hex(8), secrets.token_hex(16)
    values = {'id': uuidutils.generate_uuid(), 'volume_id': volume_id, 'name': name, 'salt': salt,
              'key_hash': _hash(key, salt), 'with_snapshots': with_snapshots}
    with ctx.reading():
        volume = volumes.visible(ctx, volume_id, 'volume:create_transfer')
    notifications.volume(ctx, volume, 'transfer.create.start')
    row = _offer(ctx, volume, values, encrypted)
    notifications.volume(ctx, volume, 'transfer.create.end')
    return row, key


@deadlocks.retried
def _offer(ctx, volume, values, encrypted):
    with ctx.writing():
        volume_transfer.move(ctx, volume, 'transfer')
        volume_transfer.check_free(ctx, db_volumes.get(ctx, volume.id), encrypted)
        if values['with_snapshots']:
            transfers.movable_snapshots(ctx, volume.id)
        transfers.insert(ctx, project_id=volume.project_id, **values)
        ctx.app.points('transfer.create.api.before_commit')
        row = transfers.get(ctx, values['id'])
    ctx.app.points('transfer.create.api.committed')
    return row


def accept(ctx, transfer_id, key):
    """Take a volume that is offered, and its snapshots if they are part of the offer. Returns the offer's row.

    ================================  ==============================  ===============================
    condition                         error                           what the caller should do
    ================================  ==============================  ===============================
    no such offer (any more)          TransferNotFound
    it is not its key                 InvalidTransferKey              ask who offers it
    the volume awaits none any more   InvalidState                    ask for another offer
    the project may not use its type  CannotTransfer                  ask for the right to it
    a snapshot of it cannot go along  CannotTransfer                  wait
    over quota                        OverQuota                       delete something, ask for more
    another request is faster         ResourceBusy                    try again
    its key cannot be copied          CannotTransfer                  try again
    that takes long                   StillUnderWay                   look at the volume later
    ================================  ==============================  ===============================
    """
    ctx.must('volume:accept_transfer')
    with ctx.reading():
        offer = _find(ctx, transfer_id)
    if not hmac.compare_digest(_hash(key, offer.salt), offer.key_hash):
        raise exceptions.InvalidTransferKey(transfer_id=transfer_id)
    with ctx.reading():
        volume = db_volumes.get(ctx, offer.volume_id)
    notifications.volume(ctx, volume, 'transfer.accept.start')
    if volume_transfer.needs_copy(ctx, volume):
        volume_transfer.take(ctx, offer, volume)
    else:
        notifications.volume(ctx, _take(ctx, offer, volume), 'transfer.accept.end')
    return offer


@deadlocks.retried
def _take(ctx, offer, volume):
    """The volume's row as it is afterwards."""
    with ctx.writing():
        volume_transfer.hand_over(ctx, offer, volume)
        ctx.app.points('transfer.accept.api.before_commit')
        row = db_volumes.get(ctx, volume.id)
    ctx.app.points('transfer.accept.api.committed')
    return row


def delete(ctx, transfer_id):
    """Withdraw an offer. Raises TransferNotFound, also when it was accepted meanwhile."""
    with ctx.reading():
        offer = visible(ctx, transfer_id, 'volume:delete_transfer')
        volume = db_volumes.get(ctx, offer.volume_id)
    notifications.volume(ctx, volume, 'transfer.delete.start')
    _withdraw(ctx, offer)
    notifications.volume(ctx, volume, 'transfer.delete.end')


@deadlocks.retried
def _withdraw(ctx, offer):
    with ctx.writing():
        db_volumes.lock(ctx, offer.volume_id)
        transfers.remove(ctx, offer.id)
        # The volume may be elsewhere by an administrator's word, and stays there.
        if db_volumes.get(ctx, offer.volume_id).status == _OFFERED:
            transition(ctx, VOLUME, offer.volume_id, 'transfer.withdraw')
        volume_transfer.end_taking(ctx, offer.volume_id)
        ctx.app.points('transfer.delete.api.before_commit')
    ctx.app.points('transfer.delete.api.committed')


def _hash(key, salt):
    return hashlib.pbkdf2_hmac('sha256', key.encode(), salt.encode(), _ROUNDS).hex()

# SPDX-License-Identifier: Apache-2.0
"""Making a volume larger."""

from blockctl import exceptions
from blockctl.flows import volume_extend
from blockctl.operations import volumes
from blockctl.states import VOLUME


def extend(ctx, volume_id, size, in_use_too=False):
    """Accept that a volume grows to ``size`` GiB. ``in_use_too``: also while a server has it, which is a right.

    ================================  ==============================  ===============================
    condition                         error                           what the caller should do
    ================================  ==============================  ===============================
    not larger than it is             InvalidRequest                  ask for more
    its state forbids it              InvalidState                    wait
    another request is faster         InvalidState or ResourceBusy    look at it again
    no storage has it                 InvalidRequest                  make another
    over quota, too large             OverQuota                       ask for less
    its pool has no room              NoRoomToGrow                    ask for less, or have it migrated
    ================================  ==============================  ===============================
    """
    with ctx.reading():
        row = volumes.visible(ctx, volume_id, 'volume:extend')
    attached = in_use_too and row.status in VOLUME.moves['extend.attached'].sources
    if attached:
        ctx.must('volume:extend_attached_volume', row)
    if size <= row.size:
        raise exceptions.InvalidRequest(reason='New size for extend must be greater than current size. '
                                               f'(current: {row.size}, extended: {size}).')
    if row.host is None:
        raise exceptions.InvalidRequest(reason=f'volume {volume_id} cannot be extended: no storage has it')
    volume_extend.extend_volume(ctx, row, size, attached)


def complete(ctx, volume_id):
    """A server says that it has made a volume larger, or could not: nobody waits for that.

    Drivers make volumes larger by themselves, also those that servers have, and refuse where only a server could.
    Raises InvalidRequest, as the reference does where no driver left the work to a server.
    """
    with ctx.reading():
        row = volumes.visible(ctx, volume_id, 'volume_extension:volume_admin_actions:extend_volume_completion')
    raise exceptions.InvalidRequest(
        reason=f'volume {volume_id} is {row.status}; nobody waits for a server to extend it')

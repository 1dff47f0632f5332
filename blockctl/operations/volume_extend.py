# SPDX-License-Identifier: Apache-2.0
"""Making a volume larger."""

from oslo_log import log as logging

from blockctl import exceptions
from blockctl.db.tables import volumes as table
from blockctl.db.transition import transition
from blockctl.flows import volume_extend
from blockctl.operations import volumes
from blockctl.states import VOLUME

LOG = logging.getLogger(__name__)


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


def complete(ctx, volume_id, failed):
    """A server says that it has taken note of a volume's new size, or could not (``failed``).

    No driver waits for that, so it changes nothing.  Raises InvalidState when the volume is not being extended.
    """
    with ctx.writing():
        volumes.visible(ctx, volume_id, 'volume_extension:volume_admin_actions:extend_volume_completion')
        transition(ctx, VOLUME, volume_id, 'extend.completion', table.c.growth > 0)
    if failed:
        LOG.warning('A server could not take note of the new size of volume %s.', volume_id)

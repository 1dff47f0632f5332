# SPDX-License-Identifier: Apache-2.0
"""What the jobs on a snapshot have in common: they need the row of its volume, too."""

import typing

from blockctl.db import snapshots
from blockctl.db import volumes
from blockctl.flows import change
from blockctl.flows import driver_values
from blockctl.flows import notifications
from blockctl.states import SNAPSHOT


class Placed(typing.NamedTuple):
    """A snapshot's row, and that of its volume, which says where it is."""

    snapshot: typing.Any
    volume: typing.Any

    def value(self, ctx):
        """The snapshot as drivers see it."""
        return driver_values.snapshot(ctx, self.snapshot, self.volume)

    def tell(self, ctx, event):
        notifications.snapshot(ctx, self.snapshot, self.volume, event)


class SnapshotChange(change.Change):
    """A :class:`~change.Change` of a snapshot; its ``row`` is a Placed."""

    machine = SNAPSHOT

    def read(self, ctx, job):
        row = snapshots.get(ctx, job.resource_id)
        return Placed(row, volumes.get(ctx, row.volume_id))

    @staticmethod
    def notify(ctx, row, event):
        row.tell(ctx, event)

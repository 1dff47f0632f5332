# SPDX-License-Identifier: Apache-2.0
"""Interrupted work of services that are gone.

Whoever serves the same finds and finishes it by itself (jobs/runner.py); what can be asked for is not to wait for the
next try.
"""

import dataclasses

from blockctl import exceptions
from blockctl.db import deadlocks
from blockctl.db import jobs
from blockctl.db import services
from blockctl.rpc import scheduler as scheduler_rpc
from blockctl.rpc import transport
from blockctl.rpc import volume as volume_rpc

VOLUME, SCHEDULER = 'cinder-volume', 'cinder-scheduler'

#: Types of resources whose work can be named -> how the kinds of their jobs begin.
RESOURCES = {'volume': 'volume.', 'snapshot': 'snapshot.'}

#: Jobs that are rung for in one request; the sweeps find more.
_MOST = 1000


@dataclasses.dataclass(frozen=True, slots=True)
class Which:
    """Services, and their work. None: any; ``host``: with all its backends; ``resource``: one of RESOURCES."""

    binary: str | None = None
    host: str | None = None
    cluster_name: str | None = None
    disabled: bool | None = None
    is_up: bool | None = False
    service_id: str | None = None
    resource: str | None = None
    resource_id: str | None = None


@deadlocks.retried
def clean(ctx, which):
    """(services whose work is looked at now, services whose work waits for their return).

    The first are up, or others serve the same.  Raises InvalidRequest when ``resource_id`` has no work that waits.
    """
    ctx.must('workers:cleanup')
    with ctx.writing():
        rows = services.everything(ctx)
        up = {_topic(row) for row in rows if services.is_up(row, ctx.conf.service_down_time)}
        chosen = [row for row in rows if _is_meant(ctx, row, which)]
        if which.resource_id is not None:
            topic = jobs.topic_of(ctx, which.resource_id)
            if topic is None:
                raise exceptions.InvalidRequest(
                    reason=f'resource_id: there is no resource with UUID {which.resource_id} pending cleanup')
            chosen = [row for row in chosen if _topic(row) == topic]
        cleaning = [row for row in chosen if _topic(row) in up]
        topics = {_topic(row) for row in cleaning}
        hurried = jobs.hurry_all(ctx, topics, RESOURCES.get(which.resource, ''), which.resource_id, _MOST)
    for job in hurried:
        if job.topic == transport.SCHEDULER:
            scheduler_rpc.look_again(ctx, job.id)
        else:
            volume_rpc.tell(ctx, job.topic, 'look_again', job.id)
    return cleaning, [row for row in chosen if _topic(row) not in up]


def _topic(row):
    """Whose jobs a service works on."""
    return transport.SCHEDULER if row.binary == SCHEDULER else row.backend


def _is_meant(ctx, row, which):
    return (row.binary in ((VOLUME, SCHEDULER) if which.binary is None else (which.binary,))
            and (which.host is None or row.host == which.host or row.host.startswith(f'{which.host}@'))
            and which.cluster_name in (None, row.cluster_name)
            and which.disabled in (None, row.disabled)
            and which.is_up in (None, services.is_up(row, ctx.conf.service_down_time))
            and which.service_id in (None, row.id))

# SPDX-License-Identifier: Apache-2.0
"""What is on a backend and could be brought in: asked of its service, by a job whose end is waited for."""

from oslo_utils import uuidutils

from blockctl import exceptions
from blockctl.db import jobs
from blockctl.flows import volume_manage
from blockctl.jobs import waiting
from blockctl.operations import backends
from blockctl.rpc import volume as volume_rpc

#: What a list can be sorted by: key -> value of an entry.
SORTS = {'reference': lambda entry: entry['reference']['source-name'], 'size': lambda entry: entry['size']}

_DEFAULT = (('reference', 'desc'),)


def find(ctx, kind, page, host, cluster):
    """The entries (dicts) of a page; ``kind``: 'volumes' or 'snapshots'; ``page.marker``: a reference, or None.

    ``host``: host@backend, or one pool of it.  Raises InvalidRequest (host and cluster, marker, a backend that cannot
    say), ServiceNotFound, StillUnderWay.
    """
    wanted = backends.one(host, cluster)
    with ctx.reading():
        place = backends.place(ctx, host, cluster)
        serves = backends.serves(ctx, place)
    if not serves:
        raise exceptions.ServiceNotFound(binary='cinder-volume', host=volume_rpc.backend_of(wanted))
    backend, pool = volume_rpc.backend_of(place), volume_rpc.pool_of(place)
    entries = [entry for entry in _ask(ctx, kind, backend) if pool in ('', entry['pool'])]
    for key, direction in reversed(page.sorts or _DEFAULT):
        entries.sort(key=SORTS[key], reverse=direction == 'desc')
    return _part(entries, page)


def _ask(ctx, kind, backend):
    with ctx.writing():
        job_id = jobs.post(ctx, volume_manage.LIST, uuidutils.generate_uuid(), backend, {'of': kind})
    volume_rpc.tell(ctx, backend, 'list_manageable', job_id)
    outcome, answer = waiting.outcome(ctx, job_id)
    if outcome != 'done':
        raise exceptions.InvalidRequest(reason=f'host: {backend} cannot tell what could be managed')
    return answer


def _part(entries, page):
    start = page.offset
    if page.marker is not None:
        names = [entry['reference'] for entry in entries]
        if page.marker not in names:
            raise exceptions.InvalidRequest(reason='marker: there is no such reference in the list')
        start += names.index(page.marker) + 1
    return entries[start:start + page.limit]

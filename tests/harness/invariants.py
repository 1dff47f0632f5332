# SPDX-License-Identifier: Apache-2.0
"""DESIGN.md section 4, asked of a cloud in which nothing is under way: by own SQL, by a look at the backends, and by
blockctl-manage, which has to find the same.
"""

import collections
import concurrent.futures
import json

from tests.harness import polling

TRANSITIONAL = {'creating', 'deleting', 'extending', 'retyping', 'managing', 'reverting'}

SNAPSHOT_TRANSITIONAL = {'creating', 'deleting', 'restoring'}


def settled(cloud, seconds=40):
    """Wait until no job is live, but those that wait for a backend without a process (payload: stranded)."""
    def quiet():
        return not [job for job in cloud.live_jobs() if not _stranded(job)]

    polling.until(quiet, seconds, lambda: f'end of the jobs {cloud.live_jobs()}')


def check(cloud, seconds=40, ask_blockctl=True):
    """Wait until nothing is under way; then every invariant must hold.

    ``ask_blockctl``: its own checks must find so too (two more processes to start; not where a backend is fake).
    """
    settled(cloud, seconds)
    # An image that another was made of is in Ceph's trash until that one goes, and then for a round of the upkeep.
    polling.until(lambda: not _in_trash(cloud), 30, lambda: f'the end of {_in_trash(cloud)}')
    wrong = [*usage(cloud.database), *claims(cloud.database), *_jobs(cloud), *_images(cloud)]
    assert not wrong, 'invariants broken:\n' + '\n'.join(wrong)
    if ask_blockctl:
        with concurrent.futures.ThreadPoolExecutor() as pool:
            list(pool.map(lambda noun: cloud.manage(noun, 'check'), ('pool', 'quota')))


def _in_trash(cloud):
    return [name for backend in cloud.backends.values() if backend.images is not None
            for name in backend.images() if name.startswith('trash:')]


def usage(database):
    """What is wrong with the quota in use. ``database.query(sql)``: rows."""
    counted = collections.Counter()
    for row in database.query('SELECT project_id, volume_type_id, size + growth AS size FROM volumes '
                              'WHERE use_quota'):
        for suffix in ('', f'_{row.volume_type_id}') if row.volume_type_id else ('',):
            counted[row.project_id, f'volumes{suffix}'] += 1
            counted[row.project_id, f'gigabytes{suffix}'] += row.size
    for row in database.query('SELECT project_id, volume_type_id, volume_size FROM snapshots WHERE use_quota'):
        for suffix in ('', f'_{row.volume_type_id}') if row.volume_type_id else ('',):
            counted[row.project_id, f'snapshots{suffix}'] += 1
            counted[row.project_id, f'gigabytes{suffix}'] += row.volume_size
    for row in database.query('SELECT project_id FROM groups'):
        counted[row.project_id, 'groups'] += 1
    recorded = {(row.project_id, row.resource): row.in_use
                for row in database.query('SELECT project_id, resource, in_use FROM quota_usages')}
    for key in sorted(recorded.keys() | counted.keys()):
        if recorded.get(key, 0) != counted[key]:
            yield f'usage of {key}: {recorded.get(key, 0)} recorded, {counted[key]} by the rows'


def claims(database):
    """What is wrong with what pools are promised to."""
    counted = collections.Counter()
    for row in database.query('SELECT host, size + growth AS size FROM volumes WHERE host IS NOT NULL '
                              'UNION ALL SELECT host, size FROM volume_moves'):
        counted[row.host] += row.size
    recorded = {row.name: row.claimed for row in database.query('SELECT name, claimed FROM pools')}
    for name in sorted(recorded.keys() | counted.keys()):
        if recorded.get(name, 0) != counted[name]:
            yield f'claims on {name}: {recorded.get(name, 0)} recorded, {counted[name]} by the rows'


def _jobs(cloud):
    live = {job.resource_id: job for job in cloud.live_jobs()}
    volumes = cloud.volumes()
    for volume in volumes.values():
        if volume.status in TRANSITIONAL and volume.id not in live:
            yield f'volume {volume.id} is {volume.status}, and no job will move it on'
    snapshots = cloud.snapshots()
    for snapshot in snapshots.values():
        if snapshot.status in SNAPSHOT_TRANSITIONAL and not {snapshot.id, snapshot.volume_id} & live.keys():
            yield f'snapshot {snapshot.id} is {snapshot.status}, and no job will move it on'
    for job in live.values():
        if job.resource_id in snapshots:
            continue  # settled() has seen to it that it waits for its backend
        volume = volumes.get(job.resource_id)
        if volume is None:
            yield f'job {job.id} ({job.kind}) lives, its volume does not'
        elif volume.status not in TRANSITIONAL and not _stranded(job):
            yield f'job {job.id} ({job.kind}) lives, its volume is {volume.status}'


def _images(cloud):
    rows = collections.defaultdict(dict)
    for volume in cloud.volumes().values():
        if volume.host:
            rows[volume.host.rpartition('#')[2]][f'volume-{volume.id}'] = volume
        elif volume.status == 'available':
            yield f'volume {volume.id} is available and nowhere'
    taken = collections.defaultdict(dict)
    for snapshot in cloud.snapshots().values():
        if snapshot.provider_id is not None:
            continue  # of a group: its backend has it by another name
        taken[snapshot.host and snapshot.host.rpartition('#')[2]][
            f'volume-{snapshot.named}@snapshot-{snapshot.id}'] = snapshot
    for backend in cloud.backends.values():
        if backend.images is None:
            continue
        images, named = backend.images(), rows[backend.name]
        found = {name for name in images if '@' in name}
        for name in sorted(found - taken[backend.name].keys()):
            yield f'{name} is on {backend.name}, and no row names it'
        for name, snapshot in taken[backend.name].items():
            if snapshot.status == 'available' and name not in found:
                yield f'{name} is available, and not on {backend.name}'
        images = {name: size for name, size in images.items() if name not in found}
        for name in sorted(images.keys() - named.keys()):
            yield f'{name} is on {backend.name}, and no row names it'
        for name, volume in named.items():
            if volume.status == 'available' and images.get(name) != volume.size:
                yield f'{name} is available with {volume.size} GiB; on {backend.name} are {images.get(name)}'


def _stranded(job):
    payload = job.payload if isinstance(job.payload, dict) else json.loads(job.payload)
    return bool(payload.get('stranded'))

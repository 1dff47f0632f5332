# SPDX-License-Identifier: Apache-2.0
"""How hosts are shown: services, in other words, and what is on a backend."""

from blockctl.api.versioned import Field
from blockctl.api.versioned import View
from blockctl.api.versioned import time
from blockctl.api.views import services


def _available(up, seen):
    return 'available' if up else 'unavailable'


SUMMARY = View(
    'host', 'hosts',
    Field('host_name', 'host'),
    Field('service', 'binary'),
    Field('zone', 'availability_zone'),
    Field('service-status', _available, of='up'),
    Field('service-state', services.status, of='disabled'),
    time('last-update', 'seen_at'))


def contents(host, by_project):
    """What is on the backend of a host: the sums first, then each project's."""
    total = ('volumes', 'volume_size', 'snapshots', 'snapshot_size')
    sums = {name: sum(getattr(content, name) for content in by_project.values()) for name in total}
    rows = [('(total)', sums)] + [(project, {name: getattr(content, name) for name in total})
                                  for project, content in sorted(by_project.items())]
    return {'host': [{'resource': {
        'host': host, 'project': project,
        'volume_count': str(amounts['volumes']), 'total_volume_gb': str(amounts['volume_size']),
        'snapshot_count': str(amounts['snapshots']), 'total_snapshot_gb': str(amounts['snapshot_size']),
    }} for project, amounts in rows]}

# SPDX-License-Identifier: Apache-2.0
"""Limits of a project. There are no limits of rate."""

from blockctl import microversions
from blockctl.api.endpoint import endpoint
from blockctl.operations import limits

#: (resource, name of its limit, name of its usage)
NAMES = (
    ('volumes', 'maxTotalVolumes', 'totalVolumesUsed'),
    ('snapshots', 'maxTotalSnapshots', 'totalSnapshotsUsed'),
    ('gigabytes', 'maxTotalVolumeGigabytes', 'totalGigabytesUsed'),
    ('backups', 'maxTotalBackups', 'totalBackupsUsed'),
    ('backup_gigabytes', 'maxTotalBackupGigabytes', 'totalBackupGigabytesUsed'),
)


@endpoint()
def index(ctx, call):
    project_id = None
    if call.version >= microversions.PROJECT_LIMITS:
        project_id = call.query.get('project_id', call.query.get('tenant_id'))
    most, used = limits.find(ctx, project_id)
    absolute = {title: most[resource] for resource, title, _ in NAMES}
    if used is not None:
        absolute |= {title: used.get(resource, 0) for resource, _, title in NAMES}
    return {'limits': {'rate': [], 'absolute': absolute}}

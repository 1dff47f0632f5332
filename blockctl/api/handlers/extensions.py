# SPDX-License-Identifier: Apache-2.0
"""Extensions: what clients of old asked before they used a part of the API.

Nothing can be extended any more; names, aliases and dates are those that such clients know.
"""

from blockctl import exceptions
from blockctl.api.endpoint import endpoint

_ROWS = (
    # alias, name, date, description
    ('OS-SCH-HNT', 'SchedulerHints', '2013-04-18', 'Hints for the scheduler with the creation of a volume.'),
    ('backups', 'Backups', '2012-12-12', 'Backups of volumes.'),
    ('capabilities', 'Capabilities', '2015-08-31', 'What a backend can do.'),
    ('cgsnapshots', 'Cgsnapshots', '2014-08-18', 'Snapshots of consistency groups.'),
    ('consistencygroups', 'Consistencygroups', '2014-08-18', 'Consistency groups.'),
    ('encryption', 'VolumeTypeEncryption', '2013-07-01', 'How volumes of a type are encrypted.'),
    ('os-admin-actions', 'AdminActions', '2012-08-25', 'Actions of administrators on volumes, snapshots and backups.'),
    ('os-availability-zone', 'AvailabilityZones', '2013-06-27', 'The list of availability zones.'),
    ('os-extended-services', 'ExtendedServices', '2014-01-10', 'Why a service is disabled.'),
    ('os-extended-snapshot-attributes', 'ExtendedSnapshotAttributes', '2012-06-19',
     'Progress and project of snapshots.'),
    ('os-hosts', 'Hosts', '2011-06-29', 'Hosts, for administrators.'),
    ('os-quota-class-sets', 'QuotaClasses', '2012-03-12', 'Default quota.'),
    ('os-quota-sets', 'Quotas', '2011-08-08', 'Quota of projects.'),
    ('os-services', 'Services', '2012-10-28', 'The services, and whether they are up.'),
    ('os-snapshot-actions', 'SnapshotActions', '2013-07-16', 'Status of snapshots, set by services.'),
    ('os-snapshot-manage', 'SnapshotManage', '2014-12-31', 'Taking over snapshots that a backend has already.'),
    ('os-snapshot-unmanage', 'SnapshotUnmanage', '2014-12-31', 'Letting go of snapshots, which stay on the backend.'),
    ('os-types-extra-specs', 'TypesExtraSpecs', '2011-08-24', 'Extra specs of volume types.'),
    ('os-types-manage', 'TypesManage', '2011-08-24', 'Creating, changing and deleting volume types.'),
    ('os-used-limits', 'UsedLimits', '2013-10-03', 'What of its limits a project uses.'),
    ('os-vol-host-attr', 'VolumeHostAttribute', '2011-11-03', 'The host of a volume.'),
    ('os-vol-image-meta', 'VolumeImageMetadata', '2012-12-07', 'Metadata of the image a volume was made of.'),
    ('os-vol-mig-status-attr', 'VolumeMigStatusAttribute', '2013-08-08', 'How the migration of a volume stands.'),
    ('os-vol-tenant-attr', 'VolumeTenantAttribute', '2011-11-03', 'The project of a volume.'),
    ('os-volume-actions', 'VolumeActions', '2012-05-31', 'Actions on volumes.'),
    ('os-volume-encryption-metadata', 'VolumeEncryptionMetadata', '2013-07-10', 'How a volume is encrypted.'),
    ('os-volume-manage', 'VolumeManage', '2014-02-10', 'Taking over volumes that a backend has already.'),
    ('os-volume-transfer', 'VolumeTransfer', '2013-05-29', 'Giving a volume to another project.'),
    ('os-volume-type-access', 'VolumeTypeAccess', '2014-06-26', 'Which projects may use a private type.'),
    ('os-volume-unmanage', 'VolumeUnmanage', '2012-05-31', 'Letting go of volumes, which stay on the backend.'),
    ('qos-specs', 'Qos_specs_manage', '2013-08-02', 'Quality of service of volume types.'),
    ('scheduler-stats', 'Scheduler_stats', '2014-09-07', 'What the scheduler knows about pools.'),
)

EXTENSIONS = {
    alias: {'name': name, 'alias': alias, 'description': description, 'updated': f'{date}T00:00:00+00:00', 'links': []}
    for alias, name, date, description in _ROWS}


@endpoint()
def index(ctx, call):
    return {'extensions': list(EXTENSIONS.values())}


@endpoint()
def show(ctx, call, alias):
    if alias not in EXTENSIONS:
        raise exceptions.NotFound()
    return {'extension': EXTENSIONS[alias]}

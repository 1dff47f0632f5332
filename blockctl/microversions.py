# SPDX-License-Identifier: Apache-2.0
"""Every microversion: its number, a name for code to ask by, and what it changed.

The order is the history; a new one is a row at the end.  Requests carry ``OpenStack-API-Version: volume 3.N``; without
it they are answered as by :data:`MIN`.  Only ``api/`` may look at a version: below it, behaviour is a plain argument.
"""

import re
import typing


class Version(typing.NamedTuple):
    """Comparable, hashable; ``str()`` gives the wire form."""

    major: int
    minor: int

    def __str__(self):
        return f'{self.major}.{self.minor}'


class Row(typing.NamedTuple):
    version: Version
    name: str
    what: str


_VERSION = re.compile(r'([1-9][0-9]{0,3})\.(0|[1-9][0-9]{0,3})\Z')


def parse(text):
    """'3.42' -> Version(3, 42). Raises ValueError on anything else, also on '3.042' and '+3.4'."""
    match = _VERSION.match(text)
    if match is None:
        raise ValueError(f'not a version: {text!r}')
    return Version(int(match[1]), int(match[2]))


TABLE = tuple(Row(parse(number), name, what) for number, name, what in (
    ('3.0', 'BASE', 'The resources of version 2, under /v3.'),
    ('3.1', 'UPLOAD_IMAGE_PARAMS', 'Uploading a volume as an image takes visibility and protected.'),
    ('3.2', 'STRICT_BOOTABLE_FILTER', 'The bootable filter of the volume list refuses what is not a boolean.'),
    ('3.3', 'MESSAGES', 'User messages can be listed, shown and deleted.'),
    ('3.4', 'GLANCE_METADATA_FILTER', 'The volume list can be filtered by image metadata.'),
    ('3.5', 'MESSAGES_PAGINATION', 'The message list is paged and sorted.'),
    ('3.6', 'CG_UPDATE_BLANK', 'A consistency group can be given an empty name or description.'),
    ('3.7', 'CLUSTERS', 'Clusters are a resource; the service list names them.'),
    ('3.8', 'MANAGEABLE', 'manageable_volumes and manageable_snapshots are resources of their own.'),
    ('3.9', 'BACKUP_UPDATE', 'A backup can be renamed.'),
    ('3.10', 'GROUP_ID_FILTER', 'The volume list can be filtered by group.'),
    ('3.11', 'GROUP_TYPES', 'Group types and their specs.'),
    ('3.12', 'VOLUME_SUMMARY', 'Number and total size of the volumes of a project.'),
    ('3.13', 'GROUPS', 'Groups of volumes; a volume may be created in one.'),
    ('3.14', 'GROUP_SNAPSHOTS', 'Snapshots of groups, and groups made from them.'),
    ('3.15', 'METADATA_ETAG', 'Volume metadata is answered with an ETag and changed under If-Match.'),
    ('3.16', 'MIGRATE_CLUSTER', 'A volume can be migrated to, and managed on, a cluster.'),
    ('3.17', 'MANAGEABLE_CLUSTER', 'What can be managed may be listed by cluster.'),
    ('3.18', 'BACKUP_PROJECT', 'A backup shows its project.'),
    ('3.19', 'GROUP_SNAPSHOT_RESET', 'The status of a group snapshot can be reset.'),
    ('3.20', 'GROUP_RESET', 'The status of a group can be reset.'),
    ('3.21', 'PROVIDER_ID', "A volume shows administrators its backend's name for it."),
    ('3.22', 'SNAPSHOT_METADATA_FILTER', 'The snapshot list can be filtered by metadata.'),
    ('3.23', 'DELETE_FORCE', 'Deleting a volume takes force.'),
    ('3.24', 'WORKERS_CLEANUP', 'Clean-up of what dead services left can be asked for.'),
    ('3.25', 'GROUP_VOLUMES', 'A group lists its volumes.'),
    ('3.26', 'REPLICATION_CLUSTER', 'Fail-over, freeze and thaw take a cluster.'),
    ('3.27', 'ATTACHMENTS', 'Attachments are a resource.'),
    ('3.28', 'POOL_FILTERS', 'The pool list can be filtered.'),
    ('3.29', 'GROUP_SNAPSHOT_PAGINATION', 'The group snapshot list is filtered, sorted and paged.'),
    ('3.30', 'SNAPSHOT_SORT', 'Snapshots can be sorted by name.'),
    ('3.31', 'RESOURCE_FILTERS', 'Which filters a list takes is configured by the operator.'),
    ('3.32', 'LOG_LEVEL', 'Log levels of running services can be read and set.'),
    ('3.33', 'RESOURCE_FILTERS_LIST', 'The filters that are on can be listed.'),
    ('3.34', 'LIKE_FILTER', 'A filter name that ends with ~ matches parts of a value.'),
    ('3.35', 'POOL_TYPE_FILTER', 'The pool list can be filtered by volume type.'),
    ('3.36', 'SUMMARY_METADATA', 'The volume summary includes metadata.'),
    ('3.37', 'BACKUP_SORT_NAME', 'Backups can be sorted by name.'),
    ('3.38', 'GROUP_REPLICATION', 'Replication of groups can be switched and failed over.'),
    ('3.39', 'PROJECT_LIMITS', 'Administrators can ask for the limits of another project.'),
    ('3.40', 'REVERT', 'A volume can be reverted to its latest snapshot.'),
    ('3.41', 'SNAPSHOT_USER', 'A snapshot shows its user.'),
    ('3.42', 'EXTEND_IN_USE', 'A volume can be extended while it is in use.'),
    ('3.43', 'BACKUP_METADATA', 'Backups have metadata.'),
    ('3.44', 'ATTACHMENT_COMPLETE', 'An attachment can be completed.'),
    ('3.45', 'WITH_COUNT', 'Lists of volumes, snapshots and backups can be counted.'),
    ('3.46', 'ZERO_BYTE_IMAGE', 'A volume can be created from the image that Nova makes of a volume-backed server.'),
    ('3.47', 'CREATE_FROM_BACKUP', 'A volume can be created from a backup.'),
    ('3.48', 'SHARED_TARGETS', 'A volume shows shared_targets and service_uuid.'),
    ('3.49', 'BACKEND_STATE', 'The service list shows whether a backend is up.'),
    ('3.50', 'MULTIATTACH', 'Volumes that several servers share are supported.'),
    ('3.51', 'BACKUP_ZONE', 'A backup can be made in an availability zone.'),
    ('3.52', 'TYPE_SPEC_FILTER', 'Types carry availability zones; the type list can be filtered by extra specs.'),
    ('3.53', 'STRICT_BODIES', 'Volume creation and update refuse unknown keys; an update needs a key.'),
    ('3.54', 'ATTACHMENT_MODE', 'An attachment is created with a mode.'),
    ('3.55', 'TRANSFER_SNAPSHOTS', 'A transfer may leave out snapshots.'),
    ('3.56', 'BACKUP_USER', 'A backup shows its user.'),
    ('3.57', 'TRANSFER_PROJECTS', 'A transfer shows where from, where to, and whether it was accepted.'),
    ('3.58', 'GROUP_PROJECT', 'Groups and group snapshots show their project.'),
    ('3.59', 'TRANSFER_PAGINATION', 'The transfer list is paged and sorted.'),
    ('3.60', 'TIME_FILTER', 'Lists can be filtered by comparison with times of creation and change.'),
    ('3.61', 'CLUSTER_NAME', 'A volume shows administrators its cluster.'),
    ('3.62', 'DEFAULT_TYPES', 'A project can have a default volume type.'),
    ('3.63', 'TYPE_ID', 'A volume shows the id of its type.'),
    ('3.64', 'ENCRYPTION_KEY_ID', 'A volume and a backup show the id of their encryption key.'),
    ('3.65', 'CONSUMES_QUOTA', 'A volume and a snapshot show whether they count against the quota.'),
    ('3.66', 'SNAPSHOT_IN_USE', 'A snapshot of a volume in use needs no force.'),
    ('3.67', 'PROJECT_ID_OPTIONAL', 'The project may be left out of URLs.'),
    ('3.68', 'REIMAGE', 'A volume can be overwritten with an image.'),
    ('3.69', 'SHARED_TARGETS_NULL', 'shared_targets may be null.'),
    ('3.70', 'TRANSFER_ENCRYPTED', 'Encrypted volumes can be transferred.'),
    ('3.71', 'EXTEND_COMPLETION', 'The extension of a volume in use can be completed by Nova.'),
))

MIN = TABLE[0].version
MAX = TABLE[-1].version

_BY_NAME = {row.name: row.version for row in TABLE}


def __getattr__(name):
    # microversions.EXTEND_IN_USE: names of rows, so that no number is written twice.
    try:
        return _BY_NAME[name]
    except KeyError:
        raise AttributeError(f'no microversion is called {name}') from None

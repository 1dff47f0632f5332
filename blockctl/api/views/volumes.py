# SPDX-License-Identifier: Apache-2.0
"""How volumes are shown."""

from blockctl.api.versioned import ABSENT
from blockctl.api.versioned import Field
from blockctl.api.versioned import View
from blockctl.api.versioned import links
from blockctl.api.versioned import time
from blockctl.conf.key_manager import FIXED_KEY_ID

_LINKS = links('links', 'volumes')


def _metadata(volume_id, seen):
    return seen.related.metadata.get(volume_id, {})


def _image_metadata(volume_id, seen):
    return seen.related.image_metadata.get(volume_id, ABSENT)


def _bootable(bootable, seen):
    return 'true' if bootable else 'false'


def _boolean(value, seen):
    return bool(value)  # a condition's value, which some databases give as a number


def _attachments(volume_id, seen):
    related = seen.related
    return [{'id': volume_id, 'attachment_id': row.id, 'volume_id': volume_id, 'server_id': row.instance_id,
             'host_name': row.attached_host if related.hosts_too else None, 'device': row.mountpoint,
             'attached_at': row.attach_time.isoformat('T', 'microseconds') if row.attach_time else None}
            for row in related.attachments.get(volume_id, ())]


def _true_if_unknown(value, seen):
    return True if value is None else value


def _own_key(key_id, seen):
    return ABSENT if key_id in (None, FIXED_KEY_ID) else key_id


def _consistency_group(group_id, seen):
    return group_id if group_id in seen.related.consistency_groups else None


def _null(row, seen):
    return None


_FIELDS = (
    Field('id'),
    Field('status'),
    Field('size'),
    Field('availability_zone'),
    time('created_at'),
    time('updated_at'),
    Field('name'),
    Field('description'),
    Field('volume_type', 'volume_type_name'),
    Field('snapshot_id'),
    Field('source_volid'),
    Field('metadata', _metadata, of='id'),
    _LINKS,
    Field('user_id'),
    Field('bootable', _bootable, of='bootable'),
    Field('encrypted', _boolean, of='encrypted'),
    Field('replication_status'),
    Field('consistencygroup_id', _consistency_group, of='group_id'),
    Field('multiattach'),
    Field('attachments', _attachments, of='id'),
    Field('migration_status', rule='volume_extension:volume_mig_status_attribute'),
    Field('group_id', since='3.13'),
    Field('provider_id', since='3.21', rule='context_is_admin'),
    Field('shared_targets', _true_if_unknown, of='shared_targets', since='3.48', until='3.68'),
    Field('shared_targets', since='3.69'),
    Field('service_uuid', since='3.48'),
    Field('cluster_name', since='3.61', rule='context_is_admin'),
    Field('volume_type_id', since='3.63'),
    Field('encryption_key_id', _own_key, of='encryption_key_id', since='3.64', optional=True),
    Field('consumes_quota', 'use_quota', since='3.65'),
)

#: What creating and changing a volume answer.
CHANGED = View('volume', 'volumes', *_FIELDS)

#: A volume shown alone, or in a list with details.
DETAIL = View(
    'volume', 'volumes', *_FIELDS,
    Field('os-vol-tenant-attr:tenant_id', 'project_id', rule='volume_extension:volume_tenant_attribute'),
    Field('os-vol-mig-status-attr:migstat', 'migration_status', rule='volume_extension:volume_mig_status_attribute'),
    Field('os-vol-mig-status-attr:name_id', _null, rule='volume_extension:volume_mig_status_attribute'),
    Field('os-vol-host-attr:host', 'host', rule='volume_extension:volume_host_attribute'),
    Field('volume_image_metadata', _image_metadata, of='id', optional=True,
          rule='volume_extension:volume_image_metadata:show'))

#: A volume in a list without details.
BRIEF = View('volume', 'volumes', Field('id'), Field('name'), _LINKS)

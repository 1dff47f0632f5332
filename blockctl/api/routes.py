# SPDX-License-Identifier: Apache-2.0
"""Every route of the service: resource, method, path, handler, and the policy rule its operation asks.

Paths are as they follow ``/v3`` or ``/v3/{project_id}``.  A handler with other behaviour from some version on is a
second row; rows of one method and path whose versions overlap are refused when this module loads.  ``rule`` None:
everybody may.  An action is picked by the only key of the body of a POST to ``.../action`` (ACTIONS).
"""

import typing

import routes

from blockctl import exceptions
from blockctl.api import endpoint
from blockctl.api import versioned
from blockctl.api.handlers import attachments
from blockctl.api.handlers import availability_zones
from blockctl.api.handlers import capabilities
from blockctl.api.handlers import cgsnapshots
from blockctl.api.handlers import clusters
from blockctl.api.handlers import consistencygroups
from blockctl.api.handlers import default_types
from blockctl.api.handlers import extensions
from blockctl.api.handlers import group_snapshots
from blockctl.api.handlers import group_specs
from blockctl.api.handlers import group_types
from blockctl.api.handlers import groups
from blockctl.api.handlers import hosts
from blockctl.api.handlers import limits
from blockctl.api.handlers import messages
from blockctl.api.handlers import pools
from blockctl.api.handlers import qos_specs
from blockctl.api.handlers import quota_classes
from blockctl.api.handlers import quotas
from blockctl.api.handlers import resource_filters
from blockctl.api.handlers import services
from blockctl.api.handlers import snapshot_actions
from blockctl.api.handlers import snapshot_manage
from blockctl.api.handlers import snapshot_metadata
from blockctl.api.handlers import snapshots
from blockctl.api.handlers import transfers
from blockctl.api.handlers import volume_actions
from blockctl.api.handlers import volume_encryption
from blockctl.api.handlers import volume_manage
from blockctl.api.handlers import volume_metadata
from blockctl.api.handlers import volume_type_access
from blockctl.api.handlers import volume_type_encryption
from blockctl.api.handlers import volume_type_extra_specs
from blockctl.api.handlers import volume_types
from blockctl.api.handlers import volumes
from blockctl.api.handlers import workers


class Route(typing.NamedTuple):
    resource: str
    method: str
    path: str
    endpoint: endpoint.Endpoint
    rule: str | None


class Action(typing.NamedTuple):
    resource: str
    path: str
    key: str
    endpoint: endpoint.Endpoint
    rule: str | None


ROUTES = tuple(Route(*row) for row in (
    # resource, method, path, handler, rule
    ('volumes', 'GET', '/volumes', volumes.index, 'volume:get_all'),
    ('volumes', 'POST', '/volumes', volumes.create, 'volume:create'),
    ('volumes', 'GET', '/volumes/detail', volumes.detail, 'volume:get_all'),
    ('volumes', 'GET', '/volumes/summary', volumes.summary, 'volume:get_all'),
    ('volumes', 'GET', '/volumes/{volume_id}', volumes.show, 'volume:get'),
    ('volumes', 'PUT', '/volumes/{volume_id}', volumes.update, 'volume:update'),
    ('volumes', 'DELETE', '/volumes/{volume_id}', volumes.delete, 'volume:delete'),

    ('volume_metadata', 'GET', '/volumes/{volume_id}/metadata', volume_metadata.index, 'volume:get_volume_metadata'),
    ('volume_metadata', 'POST', '/volumes/{volume_id}/metadata', volume_metadata.create,
     'volume:create_volume_metadata'),
    ('volume_metadata', 'PUT', '/volumes/{volume_id}/metadata', volume_metadata.update_all,
     'volume:update_volume_metadata'),
    ('volume_metadata', 'GET', '/volumes/{volume_id}/metadata/{key}', volume_metadata.show,
     'volume:get_volume_metadata'),
    ('volume_metadata', 'PUT', '/volumes/{volume_id}/metadata/{key}', volume_metadata.update,
     'volume:update_volume_metadata'),
    ('volume_metadata', 'DELETE', '/volumes/{volume_id}/metadata/{key}', volume_metadata.delete,
     'volume:delete_volume_metadata'),

    ('volume_encryption', 'GET', '/volumes/{volume_id}/encryption', volume_encryption.index,
     'volume_extension:volume_encryption_metadata'),
    ('volume_encryption', 'GET', '/volumes/{volume_id}/encryption/{key}', volume_encryption.show,
     'volume_extension:volume_encryption_metadata'),

    ('snapshot_manage', 'GET', '/os-snapshot-manage', snapshot_manage.index_older,
     'snapshot_extension:list_manageable'),
    ('snapshot_manage', 'GET', '/os-snapshot-manage/detail', snapshot_manage.detail_older,
     'snapshot_extension:list_manageable'),
    ('snapshot_manage', 'POST', '/os-snapshot-manage', snapshot_manage.create_older,
     'snapshot_extension:snapshot_manage'),
    ('snapshot_manage', 'GET', '/manageable_snapshots', snapshot_manage.index,
     'snapshot_extension:list_manageable'),
    ('snapshot_manage', 'GET', '/manageable_snapshots/detail', snapshot_manage.detail,
     'snapshot_extension:list_manageable'),
    ('snapshot_manage', 'POST', '/manageable_snapshots', snapshot_manage.create,
     'snapshot_extension:snapshot_manage'),

    ('volume_manage', 'GET', '/os-volume-manage', volume_manage.index_older, 'volume_extension:list_manageable'),
    ('volume_manage', 'GET', '/os-volume-manage/detail', volume_manage.detail_older,
     'volume_extension:list_manageable'),
    ('volume_manage', 'POST', '/os-volume-manage', volume_manage.create_older, 'volume_extension:volume_manage'),
    ('volume_manage', 'GET', '/manageable_volumes', volume_manage.index, 'volume_extension:list_manageable'),
    ('volume_manage', 'GET', '/manageable_volumes/detail', volume_manage.detail,
     'volume_extension:list_manageable'),
    ('volume_manage', 'POST', '/manageable_volumes', volume_manage.create, 'volume_extension:volume_manage'),

    ('snapshots', 'GET', '/snapshots', snapshots.index, 'volume:get_all_snapshots'),
    ('snapshots', 'POST', '/snapshots', snapshots.create, 'volume:create_snapshot'),
    ('snapshots', 'GET', '/snapshots/detail', snapshots.detail, 'volume:get_all_snapshots'),
    ('snapshots', 'GET', '/snapshots/{snapshot_id}', snapshots.show, 'volume:get_snapshot'),
    ('snapshots', 'PUT', '/snapshots/{snapshot_id}', snapshots.update, 'volume:update_snapshot'),
    ('snapshots', 'DELETE', '/snapshots/{snapshot_id}', snapshots.delete, 'volume:delete_snapshot'),

    ('snapshot_metadata', 'GET', '/snapshots/{snapshot_id}/metadata', snapshot_metadata.index,
     'volume:get_snapshot_metadata'),
    ('snapshot_metadata', 'POST', '/snapshots/{snapshot_id}/metadata', snapshot_metadata.create,
     'volume:update_snapshot_metadata'),
    ('snapshot_metadata', 'PUT', '/snapshots/{snapshot_id}/metadata', snapshot_metadata.update_all,
     'volume:update_snapshot_metadata'),
    ('snapshot_metadata', 'GET', '/snapshots/{snapshot_id}/metadata/{key}', snapshot_metadata.show,
     'volume:get_snapshot_metadata'),
    ('snapshot_metadata', 'PUT', '/snapshots/{snapshot_id}/metadata/{key}', snapshot_metadata.update,
     'volume:update_snapshot_metadata'),
    ('snapshot_metadata', 'DELETE', '/snapshots/{snapshot_id}/metadata/{key}', snapshot_metadata.delete,
     'volume:delete_snapshot_metadata'),

    ('volume_types', 'GET', '/types', volume_types.index, 'volume_extension:type_get_all'),
    ('volume_types', 'POST', '/types', volume_types.create, 'volume_extension:type_create'),
    ('volume_types', 'GET', '/types/default', volume_types.default, 'volume_extension:type_get'),
    ('volume_types', 'GET', '/types/{type_id}', volume_types.show, 'volume_extension:type_get'),
    ('volume_types', 'PUT', '/types/{type_id}', volume_types.update, 'volume_extension:type_update'),
    ('volume_types', 'DELETE', '/types/{type_id}', volume_types.delete, 'volume_extension:type_delete'),

    ('volume_type_extra_specs', 'GET', '/types/{type_id}/extra_specs', volume_type_extra_specs.index,
     'volume_extension:types_extra_specs:index'),
    ('volume_type_extra_specs', 'POST', '/types/{type_id}/extra_specs', volume_type_extra_specs.create,
     'volume_extension:types_extra_specs:create'),
    ('volume_type_extra_specs', 'GET', '/types/{type_id}/extra_specs/{key}', volume_type_extra_specs.show,
     'volume_extension:types_extra_specs:show'),
    ('volume_type_extra_specs', 'PUT', '/types/{type_id}/extra_specs/{key}', volume_type_extra_specs.update,
     'volume_extension:types_extra_specs:update'),
    ('volume_type_extra_specs', 'DELETE', '/types/{type_id}/extra_specs/{key}', volume_type_extra_specs.delete,
     'volume_extension:types_extra_specs:delete'),

    ('volume_type_encryption', 'GET', '/types/{type_id}/encryption', volume_type_encryption.index,
     'volume_extension:volume_type_encryption:get'),
    ('volume_type_encryption', 'POST', '/types/{type_id}/encryption', volume_type_encryption.create,
     'volume_extension:volume_type_encryption:create'),
    ('volume_type_encryption', 'GET', '/types/{type_id}/encryption/{key}', volume_type_encryption.show,
     'volume_extension:volume_type_encryption:get'),
    ('volume_type_encryption', 'PUT', '/types/{type_id}/encryption/{key}', volume_type_encryption.update,
     'volume_extension:volume_type_encryption:update'),
    ('volume_type_encryption', 'DELETE', '/types/{type_id}/encryption/{key}', volume_type_encryption.delete,
     'volume_extension:volume_type_encryption:delete'),

    ('volume_type_access', 'GET', '/types/{type_id}/os-volume-type-access', volume_type_access.index,
     'volume_extension:volume_type_access:get_all_for_type'),

    ('default_types', 'GET', '/default-types', default_types.index, 'volume_extension:default_get_all'),
    ('default_types', 'GET', '/default-types/{project_id}', default_types.show, 'volume_extension:default_get'),
    ('default_types', 'PUT', '/default-types/{project_id}', default_types.update,
     'volume_extension:default_set_or_update'),
    ('default_types', 'DELETE', '/default-types/{project_id}', default_types.delete, 'volume_extension:default_unset'),

    ('qos_specs', 'GET', '/qos-specs', qos_specs.index, 'volume_extension:qos_specs_manage:get_all'),
    ('qos_specs', 'POST', '/qos-specs', qos_specs.create, 'volume_extension:qos_specs_manage:create'),
    ('qos_specs', 'GET', '/qos-specs/{qos_specs_id}', qos_specs.show, 'volume_extension:qos_specs_manage:get'),
    ('qos_specs', 'PUT', '/qos-specs/{qos_specs_id}', qos_specs.update, 'volume_extension:qos_specs_manage:update'),
    ('qos_specs', 'DELETE', '/qos-specs/{qos_specs_id}', qos_specs.delete, 'volume_extension:qos_specs_manage:delete'),
    ('qos_specs', 'PUT', '/qos-specs/{qos_specs_id}/delete_keys', qos_specs.delete_keys,
     'volume_extension:qos_specs_manage:delete'),
    ('qos_specs', 'GET', '/qos-specs/{qos_specs_id}/associations', qos_specs.associations,
     'volume_extension:qos_specs_manage:get_all'),
    # These GETs change state.
    ('qos_specs', 'GET', '/qos-specs/{qos_specs_id}/associate', qos_specs.associate,
     'volume_extension:qos_specs_manage:update'),
    ('qos_specs', 'GET', '/qos-specs/{qos_specs_id}/disassociate', qos_specs.disassociate,
     'volume_extension:qos_specs_manage:update'),
    ('qos_specs', 'GET', '/qos-specs/{qos_specs_id}/disassociate_all', qos_specs.disassociate_all,
     'volume_extension:qos_specs_manage:update'),

    ('attachments', 'GET', '/attachments', attachments.index, 'volume:get_all'),
    ('attachments', 'POST', '/attachments', attachments.create, 'volume:attachment_create'),
    ('attachments', 'GET', '/attachments/detail', attachments.detail, 'volume:get_all'),
    ('attachments', 'GET', '/attachments/{attachment_id}', attachments.show, 'volume:get'),
    ('attachments', 'PUT', '/attachments/{attachment_id}', attachments.update, 'volume:attachment_update'),
    ('attachments', 'DELETE', '/attachments/{attachment_id}', attachments.delete, 'volume:attachment_delete'),

    ('services', 'GET', '/os-services', services.index, 'volume_extension:services:index'),
    ('services', 'PUT', '/os-services/enable', services.enable, 'volume_extension:services:update'),
    ('services', 'PUT', '/os-services/disable', services.disable, 'volume_extension:services:update'),
    ('services', 'PUT', '/os-services/disable-log-reason', services.disable_log_reason,
     'volume_extension:services:update'),
    ('services', 'PUT', '/os-services/freeze', services.freeze, 'volume:freeze_host'),
    ('services', 'PUT', '/os-services/thaw', services.thaw, 'volume:thaw_host'),
    ('services', 'PUT', '/os-services/failover_host', services.failover_host, 'volume:failover_host'),
    ('services', 'PUT', '/os-services/failover', services.failover, 'volume:failover_host'),
    ('services', 'PUT', '/os-services/get-log', services.get_log, 'volume_extension:services:update'),
    ('services', 'PUT', '/os-services/set-log', services.set_log, 'volume_extension:services:update'),

    ('clusters', 'GET', '/clusters', clusters.index, 'clusters:get_all'),
    ('clusters', 'GET', '/clusters/detail', clusters.detail, 'clusters:get_all'),
    ('clusters', 'PUT', '/clusters/enable', clusters.enable, 'clusters:update'),
    ('clusters', 'PUT', '/clusters/disable', clusters.disable, 'clusters:update'),
    ('clusters', 'GET', '/clusters/{name}', clusters.show, 'clusters:get'),

    ('hosts', 'GET', '/os-hosts', hosts.index, 'volume_extension:hosts'),
    ('hosts', 'GET', '/os-hosts/{host}', hosts.show, 'volume_extension:hosts'),
    ('hosts', 'PUT', '/os-hosts/{host}', hosts.update, 'volume_extension:hosts'),

    ('capabilities', 'GET', '/capabilities/{host}', capabilities.show, 'volume_extension:capabilities'),
    ('workers', 'POST', '/workers/cleanup', workers.cleanup, 'workers:cleanup'),

    ('group_types', 'GET', '/group_types', group_types.index, None),
    ('group_types', 'POST', '/group_types', group_types.create, 'group:group_types:create'),
    ('group_types', 'GET', '/group_types/default', group_types.default, None),
    ('group_types', 'GET', '/group_types/{group_type_id}', group_types.show, None),
    ('group_types', 'PUT', '/group_types/{group_type_id}', group_types.update, 'group:group_types:update'),
    ('group_types', 'DELETE', '/group_types/{group_type_id}', group_types.delete, 'group:group_types:delete'),
    ('group_specs', 'GET', '/group_types/{group_type_id}/group_specs', group_specs.index,
     'group:group_types_specs:get_all'),
    ('group_specs', 'POST', '/group_types/{group_type_id}/group_specs', group_specs.create,
     'group:group_types_specs:create'),
    ('group_specs', 'GET', '/group_types/{group_type_id}/group_specs/{key}', group_specs.show,
     'group:group_types_specs:get'),
    ('group_specs', 'PUT', '/group_types/{group_type_id}/group_specs/{key}', group_specs.update,
     'group:group_types_specs:update'),
    ('group_specs', 'DELETE', '/group_types/{group_type_id}/group_specs/{key}', group_specs.delete,
     'group:group_types_specs:delete'),

    ('groups', 'GET', '/groups', groups.index, 'group:get_all'),
    ('groups', 'POST', '/groups', groups.create, 'group:create'),
    ('groups', 'GET', '/groups/detail', groups.detail, 'group:get_all'),
    ('groups', 'GET', '/groups/{group_id}', groups.show, 'group:get'),
    ('groups', 'PUT', '/groups/{group_id}', groups.update, 'group:update'),

    ('group_snapshots', 'GET', '/group_snapshots', group_snapshots.index_all, 'group:get_all_group_snapshots'),
    ('group_snapshots', 'GET', '/group_snapshots', group_snapshots.index, 'group:get_all_group_snapshots'),
    ('group_snapshots', 'POST', '/group_snapshots', group_snapshots.create, 'group:create_group_snapshot'),
    ('group_snapshots', 'GET', '/group_snapshots/detail', group_snapshots.detail_all, 'group:get_all_group_snapshots'),
    ('group_snapshots', 'GET', '/group_snapshots/detail', group_snapshots.detail, 'group:get_all_group_snapshots'),
    ('group_snapshots', 'GET', '/group_snapshots/{group_snapshot_id}', group_snapshots.show,
     'group:get_group_snapshot'),
    ('group_snapshots', 'DELETE', '/group_snapshots/{group_snapshot_id}', group_snapshots.delete,
     'group:delete_group_snapshot'),

    ('consistencygroups', 'GET', '/consistencygroups', consistencygroups.index, 'group:get_all'),
    ('consistencygroups', 'POST', '/consistencygroups', consistencygroups.create, 'group:create'),
    ('consistencygroups', 'GET', '/consistencygroups/detail', consistencygroups.detail, 'group:get_all'),
    ('consistencygroups', 'POST', '/consistencygroups/create_from_src', consistencygroups.create_from_src,
     'group:create'),
    ('consistencygroups', 'GET', '/consistencygroups/{group_id}', consistencygroups.show, 'group:get'),
    ('consistencygroups', 'PUT', '/consistencygroups/{group_id}', consistencygroups.update, 'group:update'),
    ('consistencygroups', 'PUT', '/consistencygroups/{group_id}/update', consistencygroups.update, 'group:update'),
    ('consistencygroups', 'DELETE', '/consistencygroups/{group_id}', consistencygroups.delete_empty, 'group:delete'),
    ('consistencygroups', 'POST', '/consistencygroups/{group_id}/delete', consistencygroups.delete, 'group:delete'),

    ('cgsnapshots', 'GET', '/cgsnapshots', cgsnapshots.index, 'group:get_all_group_snapshots'),
    ('cgsnapshots', 'POST', '/cgsnapshots', cgsnapshots.create, 'group:create_group_snapshot'),
    ('cgsnapshots', 'GET', '/cgsnapshots/detail', cgsnapshots.detail, 'group:get_all_group_snapshots'),
    ('cgsnapshots', 'GET', '/cgsnapshots/{group_snapshot_id}', cgsnapshots.show, 'group:get_group_snapshot'),
    ('cgsnapshots', 'DELETE', '/cgsnapshots/{group_snapshot_id}', cgsnapshots.delete, 'group:delete_group_snapshot'),

    ('availability_zones', 'GET', '/os-availability-zone', availability_zones.index, None),
    ('extensions', 'GET', '/extensions', extensions.index, None),
    ('extensions', 'GET', '/extensions/{alias}', extensions.show, None),
    # Who may not see what is used still sees the limits.
    ('limits', 'GET', '/limits', limits.index, None),

    # The two names of one thing.
    ('transfers', 'GET', '/os-volume-transfer', transfers.index, 'volume:get_all_transfers'),
    ('transfers', 'POST', '/os-volume-transfer', transfers.create, 'volume:create_transfer'),
    ('transfers', 'GET', '/os-volume-transfer/detail', transfers.detail, 'volume:get_all_transfers'),
    ('transfers', 'GET', '/os-volume-transfer/{transfer_id}', transfers.show, 'volume:get_transfer'),
    ('transfers', 'DELETE', '/os-volume-transfer/{transfer_id}', transfers.delete, 'volume:delete_transfer'),
    ('transfers', 'POST', '/os-volume-transfer/{transfer_id}/accept', transfers.accept, 'volume:accept_transfer'),
    ('transfers', 'GET', '/volume-transfers', transfers.index, 'volume:get_all_transfers'),
    ('transfers', 'POST', '/volume-transfers', transfers.create, 'volume:create_transfer'),
    ('transfers', 'GET', '/volume-transfers/detail', transfers.detail, 'volume:get_all_transfers'),
    ('transfers', 'GET', '/volume-transfers/{transfer_id}', transfers.show, 'volume:get_transfer'),
    ('transfers', 'DELETE', '/volume-transfers/{transfer_id}', transfers.delete, 'volume:delete_transfer'),
    ('transfers', 'POST', '/volume-transfers/{transfer_id}/accept', transfers.accept, 'volume:accept_transfer'),

    ('messages', 'GET', '/messages', messages.index_all, 'message:get_all'),
    ('messages', 'GET', '/messages', messages.index, 'message:get_all'),
    ('messages', 'GET', '/messages/{message_id}', messages.show, 'message:get'),
    ('messages', 'DELETE', '/messages/{message_id}', messages.delete, 'message:delete'),

    ('pools', 'GET', '/scheduler-stats/get_pools', pools.index, 'scheduler_extension:scheduler_stats:get_pools'),
    ('resource_filters', 'GET', '/resource_filters', resource_filters.index, None),

    ('quotas', 'GET', '/os-quota-sets/{project_id}', quotas.show, 'volume_extension:quotas:show'),
    ('quotas', 'GET', '/os-quota-sets/{project_id}/defaults', quotas.defaults, 'volume_extension:quotas:show'),
    ('quotas', 'PUT', '/os-quota-sets/{project_id}', quotas.update, 'volume_extension:quotas:update'),
    ('quotas', 'DELETE', '/os-quota-sets/{project_id}', quotas.delete, 'volume_extension:quotas:delete'),
    ('quota_classes', 'GET', '/os-quota-class-sets/{class_name}', quota_classes.show,
     'volume_extension:quota_classes:get'),
    ('quota_classes', 'PUT', '/os-quota-class-sets/{class_name}', quota_classes.update,
     'volume_extension:quota_classes:update'),
))

ACTIONS: tuple[Action, ...] = tuple(Action(*row) for row in (
    # resource, path, key, handler, rule
    ('groups', '/groups/action', 'create-from-src', groups.create_from_src, 'group:create'),
    ('groups', '/groups/{group_id}/action', 'delete', groups.delete, 'group:delete'),
    ('groups', '/groups/{group_id}/action', 'reset_status', groups.reset_status, 'group:reset_status'),
    ('groups', '/groups/{group_id}/action', 'enable_replication', groups.enable_replication,
     'group:enable_replication'),
    ('groups', '/groups/{group_id}/action', 'disable_replication', groups.disable_replication,
     'group:disable_replication'),
    ('groups', '/groups/{group_id}/action', 'failover_replication', groups.failover_replication,
     'group:failover_replication'),
    ('groups', '/groups/{group_id}/action', 'list_replication_targets', groups.list_replication_targets,
     'group:list_replication_targets'),
    ('group_snapshots', '/group_snapshots/{group_snapshot_id}/action', 'reset_status', group_snapshots.reset_status,
     'group:reset_group_snapshot_status'),
    ('snapshot_actions', '/snapshots/{snapshot_id}/action', 'os-reset_status', snapshot_actions.reset_status,
     'volume_extension:snapshot_admin_actions:reset_status'),
    ('snapshot_actions', '/snapshots/{snapshot_id}/action', 'os-force_delete', snapshot_actions.force_delete,
     'volume_extension:snapshot_admin_actions:force_delete'),
    ('snapshot_actions', '/snapshots/{snapshot_id}/action', 'os-update_snapshot_status', snapshot_actions.update_status,
     'snapshot_extension:snapshot_actions:update_snapshot_status'),
    ('volume_type_access', '/types/{type_id}/action', 'addProjectAccess', volume_type_access.add,
     'volume_extension:volume_type_access:addProjectAccess'),
    ('volume_type_access', '/types/{type_id}/action', 'removeProjectAccess', volume_type_access.remove,
     'volume_extension:volume_type_access:removeProjectAccess'),
    ('volume_actions', '/volumes/{volume_id}/action', 'revert', volume_actions.revert, 'volume:revert_to_snapshot'),
    ('volume_actions', '/volumes/{volume_id}/action', 'os-extend', volume_actions.extend, 'volume:extend'),
    ('volume_actions', '/volumes/{volume_id}/action', 'os-extend_volume_completion', volume_actions.extend_completion,
     'volume_extension:volume_admin_actions:extend_volume_completion'),
    ('volume_actions', '/volumes/{volume_id}/action', 'os-reset_status', volume_actions.reset_status,
     'volume_extension:volume_admin_actions:reset_status'),
    ('volume_actions', '/volumes/{volume_id}/action', 'os-force_delete', volume_actions.force_delete,
     'volume_extension:volume_admin_actions:force_delete'),
    ('volume_actions', '/volumes/{volume_id}/action', 'os-set_bootable', volume_actions.set_bootable, 'volume:update'),
    ('volume_actions', '/volumes/{volume_id}/action', 'os-update_readonly_flag', volume_actions.update_readonly,
     'volume:update_readonly_flag'),
    ('volume_actions', '/volumes/{volume_id}/action', 'os-set_image_metadata', volume_actions.set_image_metadata,
     'volume_extension:volume_image_metadata:set'),
    ('volume_actions', '/volumes/{volume_id}/action', 'os-show_image_metadata', volume_actions.show_image_metadata,
     'volume_extension:volume_image_metadata:show'),
    ('volume_actions', '/volumes/{volume_id}/action', 'os-unset_image_metadata', volume_actions.unset_image_metadata,
     'volume_extension:volume_image_metadata:remove'),
    ('snapshot_actions', '/snapshots/{snapshot_id}/action', 'os-unmanage', snapshot_actions.unmanage,
     'snapshot_extension:snapshot_unmanage'),
    ('volume_actions', '/volumes/{volume_id}/action', 'os-retype', volume_actions.retype, 'volume:retype'),
    ('volume_actions', '/volumes/{volume_id}/action', 'os-migrate_volume', volume_actions.migrate,
     'volume_extension:volume_admin_actions:migrate_volume'),
    ('volume_actions', '/volumes/{volume_id}/action', 'os-migrate_volume_completion',
     volume_actions.migrate_completion, 'volume_extension:volume_admin_actions:migrate_volume_completion'),
    ('volume_actions', '/volumes/{volume_id}/action', 'os-unmanage', volume_actions.unmanage,
     'volume_extension:volume_unmanage'),
    ('attachments', '/attachments/{attachment_id}/action', 'os-complete', attachments.complete,
     'volume:attachment_complete'),
    ('volume_actions', '/volumes/{volume_id}/action', 'os-reserve', volume_actions.reserve,
     'volume_extension:volume_actions:reserve'),
    ('volume_actions', '/volumes/{volume_id}/action', 'os-unreserve', volume_actions.unreserve,
     'volume_extension:volume_actions:unreserve'),
    ('volume_actions', '/volumes/{volume_id}/action', 'os-begin_detaching', volume_actions.begin_detaching,
     'volume_extension:volume_actions:begin_detaching'),
    ('volume_actions', '/volumes/{volume_id}/action', 'os-roll_detaching', volume_actions.roll_detaching,
     'volume_extension:volume_actions:roll_detaching'),
    ('volume_actions', '/volumes/{volume_id}/action', 'os-attach', volume_actions.attach,
     'volume_extension:volume_actions:attach'),
    ('volume_actions', '/volumes/{volume_id}/action', 'os-detach', volume_actions.detach,
     'volume_extension:volume_actions:detach'),
    ('volume_actions', '/volumes/{volume_id}/action', 'os-initialize_connection', volume_actions.initialize_connection,
     'volume_extension:volume_actions:initialize_connection'),
    ('volume_actions', '/volumes/{volume_id}/action', 'os-terminate_connection', volume_actions.terminate_connection,
     'volume_extension:volume_actions:terminate_connection'),
    ('volume_actions', '/volumes/{volume_id}/action', 'os-force_detach', volume_actions.force_detach,
     'volume_extension:volume_admin_actions:force_detach'),
))


class _ByKey(versioned.Span):
    """All actions of one path: an endpoint that leaves the answer to the one the body's only key names."""

    def __init__(self, path):
        super().__init__(path)
        self._choices = {}

    def add(self, row):
        choices = self._choices.setdefault(row.key, [])
        choices.append(row.endpoint)
        versioned.refuse_overlap(f'{row.path} {row.key}', choices, key=lambda _: '')

    def answer(self, ctx, call, parts):
        document = call.document
        if not isinstance(document, dict) or len(document) != 1:
            raise exceptions.InvalidRequest(reason='body: it must be an object whose only key names the action')
        key = next(iter(document))
        for choice in self._choices.get(key, ()):
            if choice.covers(call.version):
                return choice.answer(ctx, call, parts)
        if key in self._choices:
            raise exceptions.NotFound()  # in another version, as any other route
        raise exceptions.InvalidRequest(f'There is no such action: {key[:80]}. Verify the request body and '
                                        'Content-Type header and try again.')


class Table:
    """Finds the endpoint of a request. Safe for any number of threads."""

    def __init__(self, rows=ROUTES, actions=ACTIONS):
        self._mapper = routes.Mapper(register=False)
        self._mapper.explicit = True
        self._choices = {}
        for row in rows:
            self._choices.setdefault(f'{row.method} {row.path}', []).append(row.endpoint)
        by_key = {}
        for row in actions:
            if row.path not in by_key:
                by_key[row.path] = _ByKey(row.path)
                self._choices[f'POST {row.path}'] = [by_key[row.path]]
            by_key[row.path].add(row)
        for name, choices in self._choices.items():
            versioned.refuse_overlap(name, choices, key=lambda _: '')
            method, path = name.split()
            self._mapper.connect(None, path, place=name, conditions={'method': [method]})
        self._mapper.create_regs()
        self.resources = frozenset(row.path.split('/')[1] for row in (*rows, *actions))

    def find(self, method, path, version):
        """(endpoint, path parts), or (None, None)."""
        match = self._mapper.match(path, {'REQUEST_METHOD': method})
        if match is None:
            return None, None
        for choice in self._choices[match.pop('place')]:
            if choice.covers(version):
                return choice, match
        return None, None

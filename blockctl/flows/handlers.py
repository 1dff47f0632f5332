# SPDX-License-Identifier: Apache-2.0
"""Which handler works on which kind of job, on a backend and in a scheduler."""

from blockctl.flows import snapshot_create
from blockctl.flows import snapshot_delete
from blockctl.flows import snapshot_manage
from blockctl.flows import attachment_connect
from blockctl.flows import group_create
from blockctl.flows import group_delete
from blockctl.flows import group_snapshot_create
from blockctl.flows import group_snapshot_delete
from blockctl.flows import volume_create
from blockctl.flows import volume_delete
from blockctl.flows import volume_extend
from blockctl.flows import volume_manage
from blockctl.flows import volume_migrate
from blockctl.flows import volume_retype
from blockctl.flows import volume_revert
from blockctl.flows import volume_transfer
from blockctl.flows import work_fence

BACKEND = {
    group_snapshot_create.KIND: group_snapshot_create.Create(),
    group_snapshot_delete.KIND: group_snapshot_delete.Delete(),
    attachment_connect.CONNECT: attachment_connect.Connect(),
    attachment_connect.DISCONNECT: attachment_connect.Disconnect(),
    attachment_connect.INITIALIZE: attachment_connect.Initialize(),
    attachment_connect.TERMINATE: attachment_connect.Terminate(),
    snapshot_create.KIND: snapshot_create.Create(),
    snapshot_delete.KIND: snapshot_delete.Delete(),
    snapshot_manage.KIND: snapshot_manage.Manage(),
    volume_revert.KIND: volume_revert.Revert(),
    volume_create.KIND: volume_create.Create(),
    volume_delete.KIND: volume_delete.Delete(),
    volume_extend.KIND: volume_extend.Extend(),
    volume_extend.TELL: volume_extend.Tell(),
    volume_manage.KIND: volume_manage.Manage(),
    volume_manage.LIST: volume_manage.List(),
    volume_migrate.CLEAR: volume_migrate.Clear(),
    volume_migrate.KIND: volume_migrate.Migrate(),
    volume_retype.KIND: volume_retype.Retype(),
    volume_transfer.CLEAR: volume_transfer.Clear(),
    volume_transfer.KIND: volume_transfer.Transfer(),
    work_fence.KIND: work_fence.Fence(),
}


def scheduler(picker):
    """{kind of job: handler} of the jobs that want a pool of ``picker``'s choice, or wait for others."""
    waiting = {group_delete.KIND: group_delete.Await()}
    return waiting | {flow.KIND: flow.Schedule(picker) for flow in (
        volume_create, volume_manage, volume_migrate, volume_retype, group_create)}

# SPDX-License-Identifier: Apache-2.0
"""What can be done with group snapshots."""

from blockctl import exceptions
from blockctl import extra_specs
from blockctl.db import deadlocks
from blockctl.db import group_snapshots
from blockctl.db import group_types
from blockctl.db import groups as db_groups
from blockctl.db.transition import reset as set_status
from blockctl.flows import group_snapshot_create
from blockctl.flows import group_snapshot_delete
from blockctl.flows import notifications
from blockctl.flows import work_fence
from blockctl.operations import backends
from blockctl.operations import groups
from blockctl.states import GROUP_SNAPSHOT

SORTS = frozenset(group_snapshots.SORTS)


def visible(ctx, group_snapshot_id, rule, of_consistency_groups=False):
    """The row, in the caller's transaction, when the caller may do ``rule`` to it.

    Raises GroupSnapshotNotFound, also for another project's, NotAuthorized, or GroupTypeReserved for that of a
    consistency group, unless ``of_consistency_groups``.
    """
    if not (group_snapshot_id.isascii() and len(group_snapshot_id) <= 36):
        raise exceptions.GroupSnapshotNotFound(group_snapshot_id=group_snapshot_id)
    row = group_snapshots.get(ctx, group_snapshot_id)
    if row.project_id != ctx.project_id and not ctx.is_admin:
        raise exceptions.GroupSnapshotNotFound(group_snapshot_id=group_snapshot_id)
    ctx.must(rule, row)
    if db_groups.is_consistency_group(row) and not of_consistency_groups:
        raise exceptions.GroupTypeReserved(group_type_id=row.group_type_id)
    return row


def show(ctx, group_snapshot_id, of_consistency_groups=False):
    """The row of a group snapshot the caller may see."""
    with ctx.reading():
        return visible(ctx, group_snapshot_id, 'group:get_group_snapshot', of_consistency_groups)


def find(ctx, page, filters, all_tenants=False, of_consistency_groups=False):
    """The Found page of the caller's project, or of all.

    ``filters``: {name: Wanted}; a project_id among them counts with ``all_tenants`` only.
    """
    ctx.must('group:get_all_group_snapshots')
    if not all_tenants:
        filters = {name: wanted for name, wanted in filters.items() if name != 'project_id'}
    with ctx.reading():
        return group_snapshots.page(ctx, None if all_tenants else ctx.project_id, filters, page, of_consistency_groups)


def create(ctx, group_id, of_consistency_groups=False, **described):
    """Accept a snapshot of all volumes of a group; its row. Raises GroupNotFound and what the flow does.

    Whether it is of one moment is said by the type of the group.
    """
    ctx.must('group:create_group_snapshot')
    with ctx.reading():
        group = groups.visible(ctx, group_id, 'group:get', of_consistency_groups)
        backends.must_be_thawed(ctx, 'group:create_group_snapshot', group.host)
        key, _ = group_types.CONSISTENT_SPEC
        specs = group_types.specs(ctx, group.group_type_id)
    consistent = key in specs and extra_specs.satisfied({key: True}, {key: specs[key]})
    return group_snapshot_create.create_group_snapshot(ctx, group, described, consistent)


def delete(ctx, group_snapshot_id, of_consistency_groups=False):
    """Accept that a group snapshot goes. Raises GroupSnapshotNotFound, NotAuthorized, InvalidState."""
    with ctx.reading():
        row = visible(ctx, group_snapshot_id, 'group:delete_group_snapshot', of_consistency_groups)
        backends.must_be_thawed(ctx, 'group:delete_group_snapshot', db_groups.get(ctx, row.group_id).host)
    group_snapshot_delete.delete_group_snapshot(ctx, group_snapshot_id)


def reset_status(ctx, group_snapshot_id, status):
    """Set the status by an administrator's word. Work that is under way ends, also for its snapshots."""
    if status not in GROUP_SNAPSHOT.settable:
        raise exceptions.InvalidField(field='status', value=status,
                                      reason=f'It must be one of {", ".join(GROUP_SNAPSHOT.settable)}.')
    _reset_status(ctx, group_snapshot_id, status)
    for event in ('groupsnapshots.reset_status.start', 'groupsnapshots.reset_status.end'):
        notifications.emit(ctx, event, id=group_snapshot_id, update={'status': status})


@deadlocks.retried
def _reset_status(ctx, group_snapshot_id, status):
    with ctx.writing():
        row = visible(ctx, group_snapshot_id, 'group:reset_group_snapshot_status', of_consistency_groups=True)
        set_status(ctx, GROUP_SNAPSHOT, group_snapshot_id, status)
        work_fence.end_work(ctx, group_snapshot_id, db_groups.get(ctx, row.group_id).host)
        for event in ('create.fail', 'delete.fail'):
            group_snapshot_create.move_snapshots(ctx, group_snapshot_id, event)

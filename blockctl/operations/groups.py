# SPDX-License-Identifier: Apache-2.0
"""What can be done with groups. Making one is in group_create.py; consistency groups are groups of one type."""

from blockctl import exceptions
from blockctl import extra_specs
from blockctl.db import deadlocks
from blockctl.db import group_types
from blockctl.db import groups
from blockctl.db import jobs
from blockctl.db.transition import reset as set_status
from blockctl.db.transition import transition
from blockctl.db.transition import transition_all
from blockctl.flows import group_delete
from blockctl.flows import notifications
from blockctl.operations import backends
from blockctl.rpc import volume as volume_rpc
from blockctl.states import GROUP
from blockctl.states import VOLUME

SORTS = frozenset(groups.SORTS)

#: Specs of a group type, either of which makes its groups replicated ones.
_REPLICATED = ('group_replication_enabled', 'consistent_group_replication_enabled')


def visible(ctx, group_id, rule, consistency_groups=False):
    """The row, in the caller's transaction, when the caller may do ``rule`` to it.

    Raises GroupNotFound, also for another project's (that it exists is nobody's business), NotAuthorized,
    GroupTypeReserved for what is called a consistency group, unless ``consistency_groups``, or BackendIsFrozen.
    """
    if not (group_id.isascii() and len(group_id) <= 36):
        raise exceptions.GroupNotFound(group_id=group_id)
    row = groups.get(ctx, group_id)
    if row.project_id != ctx.project_id and not ctx.is_admin:
        raise exceptions.GroupNotFound(group_id=group_id)
    ctx.must(rule, row)
    backends.must_be_thawed(ctx, rule, row.host)
    if groups.is_consistency_group(row) and not consistency_groups:
        raise exceptions.GroupTypeReserved(group_type_id=row.group_type_id)
    return row


def show(ctx, group_id, with_volumes=False, consistency_groups=False):
    """(row, related) of a group the caller may see."""
    with ctx.reading():
        row = visible(ctx, group_id, 'group:get', consistency_groups)
        return row, groups.related(ctx, [row], with_volumes)


def find(ctx, page, filters, all_tenants=False, details=False, with_volumes=False, consistency_groups=False):
    """(Found, related) of the caller's project, or of all; ``related`` is None without ``details``.

    ``filters``: {name: Wanted}; a project_id among them counts with ``all_tenants`` only.
    """
    ctx.must('group:get_all')
    if not all_tenants:
        filters = {name: wanted for name, wanted in filters.items() if name != 'project_id'}
    with ctx.reading():
        found = groups.page(ctx, None if all_tenants else ctx.project_id, filters, page, consistency_groups)
        return found, groups.related(ctx, found.rows, with_volumes) if details else None


def update(ctx, group_id, values, add=(), remove=(), consistency_groups=False):
    """Set name and description, whichever are in ``values``; put volumes in and take others out, by their ids.

    ================================  ==============================  ===============================
    condition                         error                           what the caller should do
    ================================  ==============================  ===============================
    its state forbids it              InvalidState                    wait
    nothing would change              InvalidGroup
    a volume is in both lists         InvalidGroupVolume
    one that is to leave is not in it InvalidGroupVolume
    one that is to join is not there, InvalidGroupVolume              choose another
    or of another type, place, group
    a volume's state forbids it       InvalidState                    wait
    ================================  ==============================  ===============================
    """
    with ctx.reading():
        row = visible(ctx, group_id, 'group:update', consistency_groups)
    notifications.group(ctx, row, 'update.start')
    _update(ctx, group_id, values, add, remove, consistency_groups)
    notifications.group(ctx, row, 'update.end')


@deadlocks.retried
def _update(ctx, group_id, values, add, remove, consistency_groups):
    with ctx.writing():
        row = visible(ctx, group_id, 'group:update', consistency_groups)
        both = sorted(set(add) & set(remove))
        if both:
            raise exceptions.InvalidGroupVolume(action='change', group_id=group_id,
                                                reason=f'{", ".join(both)} is in both add_volumes and remove_volumes')
        transition(ctx, GROUP, group_id, 'members' if add or remove else 'update', **values)
        there = groups.lock_volumes(ctx, sorted({*add, *remove}))
        leaving = [_member(row, volume_id, there.get(volume_id)) for volume_id in dict.fromkeys(remove)]
        joining = [volume_id for volume_id in dict.fromkeys(add)
                   if volume_id not in there or there[volume_id].group_id != group_id]
        if not (values or joining or leaving):
            raise exceptions.InvalidGroup(
                reason=f'Cannot update group {group_id} because no valid name, description, add_volumes, or '
                       'remove_volumes were provided.')
        types = groups.volume_types(ctx, group_id) if joining else ()
        for volume_id in joining:
            _check_joins(ctx, row, types, volume_id, there.get(volume_id))
        transition_all(ctx, VOLUME, joining, 'group.join')
        transition_all(ctx, VOLUME, leaving, 'group.leave')
        groups.assign(ctx, joining, group_id)
        groups.assign(ctx, leaving, None)


def _member(group, volume_id, volume):
    if volume is None or volume.group_id != group.id:
        raise exceptions.InvalidGroupVolume(action=f'remove volume {volume_id} from', group_id=group.id,
                                            reason='it is not in the group')
    return volume_id


def _check_joins(ctx, group, types, volume_id, volume):
    """Raise InvalidGroupVolume unless the volume may belong to the group."""
    if volume is None or (volume.project_id != ctx.project_id and not ctx.is_admin):
        reason = 'volume cannot be found'
    elif volume.project_id != group.project_id:
        reason = 'it belongs to another project'
    elif volume.group_id is not None:
        reason = f'it is already in group {volume.group_id}'
    elif volume.volume_type_id not in types:
        reason = f'volume type {volume.volume_type_id} is not supported by the group'
    elif volume.host is None or volume_rpc.backend_of(volume.host) != volume_rpc.backend_of(group.host):
        reason = 'it is not where the volumes of the group are'
    else:
        return
    raise exceptions.InvalidGroupVolume(action=f'add volume {volume_id} to', group_id=group.id, reason=reason)


def delete(ctx, group_id, with_volumes, consistency_groups=False):
    """Accept that a group goes. Raises what flows.group_delete does."""
    with ctx.reading():
        visible(ctx, group_id, 'group:delete', consistency_groups)
    group_delete.delete_group(ctx, group_id, with_volumes)


def reset_status(ctx, group_id, status):
    """Set the status by an administrator's word. The group's own work ends; that of its volumes goes on."""
    if status not in GROUP.settable:
        raise exceptions.InvalidField(field='status', value=status,
                                      reason=f'It must be one of {", ".join(GROUP.settable)}.')
    _reset_status(ctx, group_id, status)
    for event in ('groups.reset_status.start', 'groups.reset_status.end'):
        notifications.emit(ctx, event, id=group_id, update={'status': status})


@deadlocks.retried
def _reset_status(ctx, group_id, status):
    with ctx.writing():
        visible(ctx, group_id, 'group:reset_status', consistency_groups=True)
        set_status(ctx, GROUP, group_id, status)
        jobs.supersede(ctx, group_id)


def replicate(ctx, group_id, rule):
    """Refuse: no driver replicates. Raises NotReplicated, or InvalidGroup for a group whose type asks for it."""
    with ctx.reading():
        row = visible(ctx, group_id, rule, consistency_groups=True)
        specs = group_types.specs(ctx, row.group_type_id)
    if not any(extra_specs.satisfied({name: True}, {name: specs[name]}) for name in _REPLICATED if name in specs):
        raise exceptions.NotReplicated(group_id=group_id)
    raise exceptions.InvalidGroup(reason=f'The storage of group {group_id} is not able to replicate.')

# SPDX-License-Identifier: Apache-2.0
"""Making a group: empty, or with copies of what a group snapshot or another group has."""

from oslo_utils import uuidutils

from blockctl import exceptions
from blockctl.db import group_snapshots as db_group_snapshots
from blockctl.db import group_types as db_group_types
from blockctl.db import groups as db_groups
from blockctl.db import volume_choices
from blockctl.db import volume_types
from blockctl.flows import group_create
from blockctl.flows import volume_create as volume_flow
from blockctl.operations import backends
from blockctl.operations import group_snapshots
from blockctl.operations import group_types
from blockctl.operations import groups
from blockctl.operations import volume_create
from blockctl.states import GROUP
from blockctl.states import GROUP_SNAPSHOT
from blockctl.states import VOLUME

#: What a group without a driver that replicates says of itself.
_NOT_REPLICATED = 'disabled'


def create(ctx, group_type, type_names, zone=None, **described):
    """Accept an empty group; its row. ``described``: name and description.

    ================================  ==============================  ===============================
    condition                         error                           what the caller should do
    ================================  ==============================  ===============================
    no such group type                GroupTypeNotFound(ByName)       choose one of the list of types
    it is that of consistency groups  GroupTypeReserved               use /consistencygroups
    no such volume type               VolumeTypeNotFoundByName        choose one of the list of types
    no such zone                      InvalidField                    choose one of the list of zones
    over quota                        OverQuota                       delete something, or ask for more
    ================================  ==============================  ===============================
    """
    ctx.must('group:create')
    with ctx.reading():
        chosen = group_types.named(ctx, group_type)
        if chosen.name == db_group_types.RESERVED:
            raise exceptions.GroupTypeReserved(group_type_id=chosen.id)
    return _create(ctx, chosen, type_names, zone, described)


def create_consistency_group(ctx, type_names, zone=None, **described):
    """The same, of the type that older clients need not name."""
    ctx.must('group:create')
    with ctx.reading():
        chosen = db_group_types.named(ctx, db_group_types.RESERVED)
    return _create(ctx, chosen, type_names, zone, described)


def _create(ctx, group_type, type_names, zone, described):
    with ctx.reading():
        kinds = {}
        for name in type_names:
            kind = volume_choices.volume_type(ctx, name)
            if kind is None:
                raise exceptions.VolumeTypeNotFoundByName(name=name)
            kinds[kind.id] = kind
        specs = volume_types.specs_of(ctx, kinds.values())
        zone = volume_create.free_zone(ctx, zone, {})
    row = _row(ctx, group_type_id=group_type.id, availability_zone=zone, **described)
    return group_create.create_group(ctx, row, kinds, {'availability_zone': zone, 'types': list(specs.values())})


def _row(ctx, **values):
    return {'id': uuidutils.generate_uuid(), 'project_id': ctx.project_id, 'user_id': ctx.user_id,
            'replication_status': _NOT_REPLICATED, **values}


# --- with volumes
def create_from_snapshot(ctx, group_snapshot_id, consistency_groups=False, **described):
    """Accept a group with a volume for each snapshot of a group snapshot; its row.

    Raises GroupSnapshotNotFound, InvalidState, InvalidGroup (it is empty), OverQuota.
    """
    ctx.must('group:create')
    with ctx.reading():
        taken = group_snapshots.visible(ctx, group_snapshot_id, 'group:get_group_snapshot', consistency_groups)
        group = groups.visible(ctx, taken.group_id, 'group:get', consistency_groups)
        backends.must_be_thawed(ctx, 'group:create', group.host)
        _require(GROUP_SNAPSHOT, taken)
        sources = [volume_flow.Source('snapshot', snapshot.id, snapshot.volume_size, volume)
                   for snapshot, volume in db_group_snapshots.taken(ctx, taken.id)]

    def unchanged(ctx):
        now = db_group_snapshots.lock_snapshots(ctx, taken.id)
        return {row.id for row in now} == {source.id for source in sources}

    return _copy(ctx, group, sources, group_create.Origin(
        GROUP_SNAPSHOT, taken.id, 'group_snapshot_id', unchanged), described)


def create_from_group(ctx, group_id, consistency_groups=False, **described):
    """Accept a group with a copy of each volume of another; its row.

    Raises GroupNotFound, InvalidState, InvalidGroup (it is empty), OverQuota.
    """
    ctx.must('group:create')
    with ctx.reading():
        group = groups.visible(ctx, group_id, 'group:get', consistency_groups)
        backends.must_be_thawed(ctx, 'group:create', group.host)
        _require(GROUP, group)
        sources = [volume_flow.Source('volume', volume.id, volume.size, volume)
                   for volume in db_groups.members(ctx, group_id)]

    def unchanged(ctx):
        return {row.id for row in db_groups.lock_members(ctx, group_id)} == {source.id for source in sources}

    return _copy(ctx, group, sources, group_create.Origin(GROUP, group.id, 'source_group_id', unchanged), described)


def _require(machine, row):
    allowed = machine.moves['clone'].sources
    if row.status not in allowed:
        raise exceptions.InvalidState(resource=machine.resource, id=row.id, status=row.status, action='clone',
                                      allowed=' or '.join(allowed))


def _copy(ctx, group, sources, origin, described):
    """A group like ``group``, with a volume for each of ``sources``."""
    if not sources:
        raise exceptions.InvalidGroup(reason=f'The source, of group {group.id}, is empty. No group will be created.')
    _check_located(sources)
    row = _row(ctx, group_type_id=group.group_type_id, availability_zone=group.availability_zone, host=group.host,
               **described)
    with ctx.reading():
        types = db_groups.volume_types(ctx, group.id)
        kinds = {type_id: volume_types.get(ctx, type_id) for type_id in sorted(types)}
        specs = volume_types.specs_of(ctx, kinds.values())
    requests = [volume_flow.CreateVolume(
        size=source.size, volume_type=kinds.get(source.volume.volume_type_id),
        extra_specs=specs.get(source.volume.volume_type_id, {}), availability_zone=source.volume.availability_zone,
        source=source, group_id=row['id'], multiattach=source.volume.multiattach) for source in sources]
    return group_create.create_group_from(ctx, row, types, origin, requests)


def _check_located(sources):
    """Raise InvalidState for a source that no storage has: its volume could not be made."""
    for source in sources:
        if source.volume.host is None:
            raise exceptions.InvalidState(resource=VOLUME.resource, id=source.volume.id, status=source.volume.status,
                                          action='clone', allowed=' or '.join(VOLUME.moves['clone'].sources))

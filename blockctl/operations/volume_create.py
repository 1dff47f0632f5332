# SPDX-License-Identifier: Apache-2.0
"""Creating a volume: of nothing, of a snapshot or of another volume."""

import dataclasses

from oslo_log import log as logging

from blockctl import encryption
from blockctl import exceptions
from blockctl import extra_specs
from blockctl.db import groups as db_groups
from blockctl.db import pools
from blockctl.db import volume_choices
from blockctl.db import volume_lists
from blockctl.db import volume_type_encryption
from blockctl.db import volume_types
from blockctl.db import volumes as db_volumes
from blockctl.flows import volume_create
from blockctl.operations import backends
from blockctl.operations import groups
from blockctl.operations import snapshots
from blockctl.operations import volumes
from blockctl.rpc import volume as volume_rpc
from blockctl.states import GROUP

LOG = logging.getLogger(__name__)

#: Extra spec of a type: the zones its volumes may be in, separated by commas.
ZONES_SPEC = 'RESKEY:availability_zones'

#: Extra spec of a type, and its value where several servers may share a volume.
MULTIATTACH_SPEC = ('multiattach', '<is> True')

#: The option that keeps a volume in the zone of what it is made of, by the kind of that.
_SAME_ZONE = {'snapshot': 'snapshot_same_host', 'volume': 'cloned_volume_same_az'}


@dataclasses.dataclass(frozen=True, slots=True)
class NewVolume:
    """What a tenant asks for. ``size``: GiB, or None when a source gives it; ``volume_type``: its name or id."""

    size: int | None = None
    name: str | None = None
    description: str | None = None
    volume_type: str | None = None
    availability_zone: str | None = None
    metadata: dict = dataclasses.field(default_factory=dict)
    snapshot_id: str | None = None
    source_volid: str | None = None
    image_ref: str | None = None
    backup_id: str | None = None
    group_id: str | None = None
    scheduler_hints: dict = dataclasses.field(default_factory=dict)


def create(ctx, new):
    """Accept a volume; returns (row, related) as it was when accepted.

    ================================  ==============================  ===============================
    condition                         error                           what the caller should do
    ================================  ==============================  ===============================
    may not create volumes            NotAuthorized                   ask an administrator
    no size, and no source with one   InvalidRequest                  give a size
    smaller than the source           InvalidRequest                  give a larger size, or none
    no such type                      VolumeTypeNotFound(ByName)      choose one of the list of types
    the source's storage lacks what   InvalidField                    give no type
    the type asks for
    the type's encryption is none     InvalidField                    choose another type
    there is, or not the source's
    no such zone, or not the source's InvalidField                    choose one of the list of zones
    no such source                    SnapshotNotFound, ...           choose another
    the source's state forbids it     InvalidState                    wait, or choose another
    over quota; database away         see flows.volume_create
    ================================  ==============================  ===============================
    """
    ctx.must('volume:create')
    with ctx.reading():
        source = _source(ctx, new)
        group = _group(ctx, new, source)
        size = _size(new, source)
        volume_type = _type(ctx, new, source)
        specs = volume_types.extra_specs(ctx, volume_type.id)
        _check_type(ctx, volume_type, specs, source)
        _check_encryption(ctx, volume_type, source)
        zone = _zone(ctx, new, specs, source)
    multiattach = specs.get(MULTIATTACH_SPEC[0]) == MULTIATTACH_SPEC[1]
    if multiattach:
        ctx.must('volume:multiattach')
    row = volume_create.create_volume(ctx, volume_create.CreateVolume(
        size=size, name=new.name, description=new.description, volume_type=volume_type, extra_specs=specs,
        availability_zone=zone, any_zone=_any_zone(ctx, new, specs, source, zone), metadata=new.metadata, source=source,
        group_id=new.group_id, group=group, multiattach=multiattach, scheduler_hints=new.scheduler_hints))
    related = volume_lists.Related()
    related.metadata[row.id] = new.metadata
    if group is not None and db_groups.is_consistency_group(group):
        related.consistency_groups = {group.id}
    return row, related


# --- what it is made of
def _source(ctx, new):
    """A flows.volume_create.Source, or None when it is made of nothing."""
    given = [name for name in ('snapshot_id', 'source_volid', 'image_ref', 'backup_id')
             if getattr(new, name) is not None]
    if len(given) > 1:
        raise exceptions.InvalidRequest(
            reason='only one of snapshot_id, source_volid, imageRef and backup_id may be given')
    return _SOURCES[given[0]](ctx, new) if given else None


def _of_snapshot(ctx, new):
    snapshot = snapshots.visible(ctx, new.snapshot_id, 'volume:get_snapshot')
    volume = _located(ctx, db_volumes.get(ctx, snapshot.volume_id), 'snapshot_id', snapshot.id)
    return volume_create.Source('snapshot', snapshot.id, snapshot.volume_size, volume)


def _of_volume(ctx, new):
    volume = _located(ctx, volumes.visible(ctx, new.source_volid, 'volume:get'), 'source_volid', new.source_volid)
    return volume_create.Source('volume', volume.id, volume.size, volume)


def _located(ctx, volume, field, value):
    """The row of a volume that is on some storage; one that failed to be made is not."""
    if volume.host is None:
        raise exceptions.InvalidField(field=field, value=value, reason='No storage has it.')
    backends.must_be_thawed(ctx, 'volume:create', volume.host)
    return volume


# Images and backups come with their own issues: until then there are none to name.
def _of_image(ctx, new):
    ctx.must('volume:create_from_image')
    raise exceptions.InvalidField(field='imageRef', value=new.image_ref,
                                  reason='Volumes cannot be made of images yet.')


def _of_backup(ctx, new):
    raise exceptions.InvalidField(field='backup_id', value=new.backup_id,
                                  reason='Volumes cannot be made of backups yet.')


_SOURCES = {'snapshot_id': _of_snapshot, 'source_volid': _of_volume, 'image_ref': _of_image, 'backup_id': _of_backup}


def _group(ctx, new, source):
    """The row of the group it is to belong to, or None: one whose types and place it can have."""
    if new.group_id is None:
        return None
    group = groups.visible(ctx, new.group_id, 'group:get', consistency_groups=True)
    backends.must_be_thawed(ctx, 'volume:create', group.host)
    if not new.volume_type:
        raise exceptions.InvalidRequest(reason='volume_type must be provided when creating a volume in a group.')
    wanted = volume_choices.volume_type(ctx, new.volume_type)
    if wanted is not None and wanted.id not in db_groups.volume_types(ctx, group.id):
        raise exceptions.InvalidField(field='volume_type', value=new.volume_type,
                                      reason='The requested type must be supported by this group.')
    if group.status not in GROUP.moves['members'].sources:
        raise exceptions.InvalidGroup(reason=f'Group {group.id} is {group.status}; it must be available.')
    if source is not None and volume_rpc.backend_of(source.volume.host) != volume_rpc.backend_of(group.host):
        raise exceptions.InvalidField(field='group_id', value=new.group_id, reason='What the volume is made of is not '
                                      'where the volumes of the group are.')
    return group


def _size(new, source):
    """GiB."""
    if source is None:
        if new.size is None:
            raise exceptions.InvalidRequest(reason='size: it is required for a volume that is made of nothing')
        return new.size
    if new.size is not None and new.size < source.size:
        raise exceptions.InvalidRequest(
            reason=f"Volume size '{new.size}'GB cannot be smaller than the {source.kind} size {source.size}GB.")
    return new.size or source.size


# --- its type
def _type(ctx, new, source):
    """The row of the type asked for, or of the source's, or of the default one. Raises VolumeTypeNotFound(ByName)."""
    if new.volume_type is None and source is not None and source.volume.volume_type_id is not None:
        return volume_types.get(ctx, source.volume.volume_type_id)
    wanted = new.volume_type
    if not wanted:
        return volume_choices.default_type(ctx)
    row = volume_choices.volume_type(ctx, wanted)
    if row is None:
        raise (exceptions.VolumeTypeNotFound(volume_type_id=wanted) if _looks_like_id(wanted)
               else exceptions.VolumeTypeNotFoundByName(name=wanted))
    return row


def _looks_like_id(text):
    return len(text) == 36 and text.count('-') == 4


def _check_type(ctx, volume_type, specs, source):
    """Another type than the source's has to be one that the source's storage can serve: it is made there."""
    if source is None or volume_type.id == source.volume.volume_type_id:
        return
    report = pools.report_of(ctx, source.volume.host)
    if report is None or not extra_specs.satisfied(report, specs):
        raise exceptions.InvalidField(
            field='volume_type', value=volume_type.id, reason='The requested type is not compatible with the storage '
            'of what the volume is made of: give its type, or none.')


def _check_encryption(ctx, volume_type, source):
    """A volume is encrypted as its type says, or not made; and the data of a source stay as they are."""
    if source is not None:
        if not volume_type_encryption.alike(ctx, volume_type.id, source.volume.volume_type_id):
            raise exceptions.InvalidField(field='volume_type', value=volume_type.id, reason='What the volume is made '
                                          'of is not encrypted in the same way.')
        return
    settings = volume_type_encryption.settings_of(volume_type)
    if settings is not None:
        try:
            encryption.plan(settings)
        except ValueError as error:
            raise exceptions.InvalidField(field='volume_type', value=volume_type.id,
                                          reason=f'Its volumes cannot be encrypted: {error}.') from None


# --- its zone
def _zone(ctx, new, specs, source):
    """The name of the zone asked for, or of the source's, or of the default one. Raises InvalidField."""
    if source is None:
        return free_zone(ctx, new.availability_zone, specs)
    of_source = source.volume.availability_zone
    if new.availability_zone in (None, of_source):
        return of_source
    wanted = free_zone(ctx, new.availability_zone, specs)
    if wanted != of_source and getattr(ctx.conf, _SAME_ZONE[source.kind]):
        raise exceptions.InvalidField(
            field='availability_zone', value=new.availability_zone,
            reason=f'The volume has to be in {of_source}, the availability zone of the {source.kind} it is made of.')
    return wanted


def _any_zone(ctx, new, specs, source, zone):
    """Whether ``zone`` is only the first of those that the type allows, of which nobody asked for one."""
    return source is None and new.availability_zone is None and ZONES_SPEC in specs and zone != _default_zone(ctx)


def _default_zone(ctx):
    return ctx.conf.default_availability_zone or ctx.conf.storage_availability_zone


def free_zone(ctx, wanted, specs):
    """The zone of a volume that may be in any: what is asked for, or the default. Raises InvalidField for others.

    The default is not checked: whether something serves it is the scheduler's to find out.  A type that does not allow
    it has to allow a zone that is served.
    """
    default = _default_zone(ctx)
    of_type = specs.get(ZONES_SPEC)
    if of_type is None:
        if wanted is None:
            return default
        if wanted in volume_choices.zones(ctx):
            return wanted
    else:
        allowed = [zone.strip() for zone in of_type.split(',') if zone.strip()]
        if wanted is None and default in allowed:
            return default
        served = volume_choices.zones(ctx)
        if wanted is None:
            found = next((zone for zone in allowed if zone in served), None)
            if found is None:
                raise exceptions.InvalidRequest(
                    reason=f'availability_zone: nothing serves those that the volume type allows ({of_type[:80]})')
            return found
        if wanted in served:
            if wanted in allowed:
                return wanted
            raise exceptions.InvalidField(field='availability_zone', value=wanted,
                                          reason='The volume type does not allow this availability zone.')
    if ctx.conf.allow_availability_zone_fallback:
        LOG.info('There is no availability zone %r; taking %r.', wanted, default)
        return default
    raise exceptions.InvalidField(field='availability_zone', value=wanted,
                                  reason=f"Availability zone '{wanted}' is invalid.")

# SPDX-License-Identifier: Apache-2.0
"""What can be done with volumes."""

import dataclasses

from oslo_log import log as logging

from blockctl import exceptions
from blockctl.db import deadlocks
from blockctl.db import volume_changes
from blockctl.db import volume_choices
from blockctl.db import volume_lists
from blockctl.db import volume_types
from blockctl.flows import notifications
from blockctl.flows import volume_create
from blockctl.flows import volume_delete

LOG = logging.getLogger(__name__)

SORTS = frozenset(volume_lists.SORTS)

#: Extra spec of a type: the zones its volumes may be in, separated by commas.
ZONES_SPEC = 'RESKEY:availability_zones'


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
    no such type                      VolumeTypeNotFound(ByName)      choose one of the list of types
    no such zone                      InvalidField                    choose one of the list of zones
    no such source                    SnapshotNotFound, ...           choose another
    over quota; database away         see flows.volume_create
    ================================  ==============================  ===============================
    """
    ctx.must('volume:create')
    with ctx.reading():
        _check_source(ctx, new)
        volume_type = _type(ctx, new.volume_type)
        specs = volume_types.extra_specs(ctx, volume_type.id)
        zone = _zone(ctx, new.availability_zone, specs)
    if new.size is None:
        raise exceptions.InvalidRequest(reason="size: it is required for a volume that is made of nothing")
    row = volume_create.create_volume(ctx, volume_create.CreateVolume(
        size=new.size, name=new.name, description=new.description, volume_type=volume_type, extra_specs=specs,
        availability_zone=zone, metadata=new.metadata, snapshot_id=new.snapshot_id, source_volid=new.source_volid,
        image_ref=new.image_ref, backup_id=new.backup_id, group_id=new.group_id, scheduler_hints=new.scheduler_hints))
    related = volume_lists.Related()
    related.metadata[row.id] = new.metadata
    return row, related


def _check_source(ctx, new):
    # Snapshots, groups, images and backups come with their own issues: until then there are none to name.
    if new.snapshot_id is not None:
        raise exceptions.SnapshotNotFound(snapshot_id=new.snapshot_id)
    if new.source_volid is not None:
        visible(ctx, new.source_volid, 'volume:get')
        raise exceptions.InvalidField(field='source_volid', value=new.source_volid,
                                      reason='Volumes cannot be made of other volumes yet.')
    if new.group_id is not None:
        raise exceptions.NotFound(f'Group {new.group_id} could not be found.')
    if new.image_ref is not None:
        ctx.must('volume:create_from_image')
        raise exceptions.InvalidField(field='imageRef', value=new.image_ref,
                                      reason='Volumes cannot be made of images yet.')
    if new.backup_id is not None:
        raise exceptions.InvalidField(field='backup_id', value=new.backup_id,
                                      reason='Volumes cannot be made of backups yet.')


def _type(ctx, name_or_id):
    """The row of the type asked for, or of the default one. Raises VolumeTypeNotFound or VolumeTypeNotFoundByName."""
    wanted = name_or_id or ctx.conf.default_volume_type
    row = volume_choices.volume_type(ctx, wanted)
    if row is None:
        if not name_or_id:
            LOG.error('The default volume type %s does not exist.', wanted)
        raise (exceptions.VolumeTypeNotFound(volume_type_id=wanted) if _looks_like_id(wanted)
               else exceptions.VolumeTypeNotFoundByName(name=wanted))
    return row


def _looks_like_id(text):
    return len(text) == 36 and text.count('-') == 4


def _zone(ctx, wanted, specs):
    """The name of the zone asked for, or of the default one. Raises InvalidField for one that nothing serves.

    A default is not checked: whether something serves it is the scheduler's to find out.
    """
    default = ctx.conf.default_availability_zone or ctx.conf.storage_availability_zone
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
            return next((zone for zone in allowed if zone in served), allowed[0] if allowed else default)
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


def show(ctx, volume_id):
    """(row, related) of a volume the caller may see. Another project's is not there: VolumeNotFound."""
    with ctx.reading():
        row = visible(ctx, volume_id, 'volume:get')
        return row, volume_lists.related(ctx, [row])


def visible(ctx, volume_id, rule):
    """The row, in the caller's transaction, when the caller may do ``rule`` to it.

    Raises VolumeNotFound, also for another project's (that it exists is nobody's business), or NotAuthorized.
    """
    if not (volume_id.isascii() and len(volume_id) <= 36):
        raise exceptions.VolumeNotFound(volume_id=volume_id)
    row = volume_lists.get(ctx, volume_id)
    if row.project_id != ctx.project_id and not ctx.is_admin:
        raise exceptions.VolumeNotFound(volume_id=volume_id)
    ctx.must(rule, row)
    return row


def find(ctx, page, filters, all_tenants=False, details=False):
    """(Found, related) of the caller's project, or of all; ``related`` is None without ``details``.

    ``filters``: {name: Wanted}; a project_id among them counts with ``all_tenants`` only.
    """
    ctx.must('volume:get_all')
    if not all_tenants:
        filters = {name: wanted for name, wanted in filters.items() if name != 'project_id'}
    with ctx.reading():
        found = volume_lists.page(ctx, None if all_tenants else ctx.project_id, filters, page)
        return found, volume_lists.related(ctx, found.rows) if details else None


def summarize(ctx, all_tenants=False, with_metadata=False):
    """(number, GiB, {key: [values]} or None) of the volumes of the caller's project, or of all."""
    ctx.must('volume:get_all')
    project_id = None if all_tenants else ctx.project_id
    with ctx.reading():
        count, size = volume_lists.totals(ctx, project_id)
        return count, size, volume_lists.all_metadata(ctx, project_id) if with_metadata else None


def update(ctx, volume_id, values, metadata=None):
    """Change name, description and, when given, all metadata. Returns (row, related)."""
    with ctx.reading():
        row = visible(ctx, volume_id, 'volume:update')
    notifications.volume(ctx, row, 'update.start')
    row, related = _change(ctx, volume_id, values, metadata)
    notifications.volume(ctx, row, 'update.end')
    return row, related


@deadlocks.retried
def _change(ctx, volume_id, values, metadata):
    with ctx.writing():
        volume_changes.lock(ctx, volume_id)
        if values:
            volume_changes.describe(ctx, volume_id, **values)
        if metadata is not None:
            volume_changes.set_metadata(ctx, volume_id, metadata, replace=True)
        row = volume_lists.get(ctx, volume_id)
        return row, volume_lists.related(ctx, [row])


def delete(ctx, volume_id, force=False):
    """Accept that a volume goes. Raises VolumeNotFound, NotAuthorized, InvalidState.

    ``force``: whatever its status is; that is a right of its own.
    """
    with ctx.reading():
        row = visible(ctx, volume_id, 'volume:delete')
    if force:
        ctx.must('volume:force_delete', row)
    volume_delete.delete_volume(ctx, row, force)

# SPDX-License-Identifier: Apache-2.0
"""Making volumes of what is on a backend already, and taking them out again."""

import dataclasses

from oslo_utils import uuidutils

from blockctl import exceptions
from blockctl import states
from blockctl.db import volume_choices
from blockctl.db import volume_lists
from blockctl.db import volume_manage as db
from blockctl.db import volume_moves
from blockctl.db import volume_type_encryption
from blockctl.db import volume_types
from blockctl.flows import driver_values
from blockctl.flows import volume_manage
from blockctl.operations import backends
from blockctl.operations import manageable
from blockctl.operations import volume_create
from blockctl.operations import volumes


_NOT_OURS = 'Its volumes are encrypted, and what is on a backend already is not, or by a key that is not known here.'


@dataclasses.dataclass(frozen=True, slots=True)
class Existing:
    """What is to become a volume: ``source_name`` on ``host`` (host@backend, or a pool of it), and what it is then."""

    source_name: str
    host: str | None = None
    cluster: str | None = None
    name: str | None = None
    description: str | None = None
    volume_type: str | None = None
    availability_zone: str | None = None
    metadata: dict = dataclasses.field(default_factory=dict)
    bootable: bool = False


def find(ctx, page, host=None, cluster=None):
    """A page of what is on a backend: dicts, see flows.volume_manage. Raises what operations.manageable.find does."""
    ctx.must('volume_extension:list_manageable')
    return manageable.find(ctx, 'volumes', page, host, cluster)


def manage(ctx, existing):
    """Accept that something becomes a volume; returns (row, related).

    Whether it is there, how large it is and whether its pool offers the type turns out later: the volume then ends in
    error_managing, with a message.  Raises InvalidRequest (host and cluster), HostNotFound, InvalidVolumeType,
    AlreadyManaged, BackendIsFrozen, OverQuota.
    """
    ctx.must('volume_extension:volume_manage')
    wanted = backends.one(existing.host, existing.cluster)
    with ctx.reading():
        place = backends.place(ctx, existing.host, existing.cluster)
        if place is None:
            raise (exceptions.ClusterNotFound(cluster=wanted) if existing.cluster
                   else exceptions.HostNotFound(host=wanted))
        backends.must_be_thawed(ctx, 'volume_extension:volume_manage', place)
        volume_type = _type(ctx, existing.volume_type)
        if volume_type_encryption.get(ctx, volume_type.id) is not None:
            raise exceptions.InvalidField(field='volume_type', value=volume_type.id, reason=_NOT_OURS)
        specs = volume_types.extra_specs(ctx, volume_type.id)
        image_id = driver_values.id_in(ctx.conf.volume_name_template, existing.source_name)
        if image_id is not None and db.holder(ctx, image_id) is not None:
            raise exceptions.AlreadyManaged(resource='volume')
    key, value = volume_create.MULTIATTACH_SPEC
    zone = existing.availability_zone
    row = volume_manage.manage_volume(ctx, {
        'id': uuidutils.generate_uuid(), 'project_id': ctx.project_id, 'user_id': ctx.user_id, 'name': existing.name,
        'description': existing.description, 'volume_type_id': volume_type.id, 'bootable': existing.bootable,
        'availability_zone': zone or ctx.conf.default_availability_zone or ctx.conf.storage_availability_zone,
        'multiattach': specs.get(key) == value, 'shared_targets': True,
    }, existing.metadata, {
        'to': place, 'source_name': existing.source_name, 'availability_zone': zone, 'extra_specs': specs,
        'volume_type': {'id': volume_type.id, 'name': volume_type.name}})
    related = volume_lists.Related()
    related.metadata[row.id] = existing.metadata
    return row, related


def _type(ctx, wanted):
    """The row of the type asked for (name or id), or of the default one."""
    found = volume_choices.volume_type(ctx, wanted) if wanted else volume_choices.default_type(ctx)
    if found is None:
        raise exceptions.InvalidVolumeType(name=wanted)
    return found


def unmanage(ctx, volume_id):
    """Forget a volume and leave its image where it is. Raises CannotUnmanage, InvalidState."""
    with ctx.reading():
        row = volumes.visible(ctx, volume_id, 'volume_extension:volume_unmanage')
        reasons = [text for wrong, text in (
            (row.attach_status != 'detached', 'it is attached'),
            (row.migration_status not in states.NOT_MIGRATING, 'it is migrating'),
            (row.group_id is not None, 'it is part of a group'),
            (volume_moves.has_snapshots(ctx, row.id), 'it has snapshots'),
            (row.encryption_key_id is not None, 'it is encrypted, and its key would be lost')) if wrong]
    if reasons:
        raise exceptions.CannotUnmanage(volume_id=volume_id, reason='; '.join(reasons))
    volume_manage.unmanage_volume(ctx, row)

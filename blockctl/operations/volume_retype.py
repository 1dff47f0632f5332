# SPDX-License-Identifier: Apache-2.0
"""Giving a volume another type."""

from blockctl import exceptions
from blockctl import states
from blockctl.db import qos_specs
from blockctl.db import volume_choices
from blockctl.db import volume_type_encryption
from blockctl.db import volume_types
from blockctl.flows import volume_migrate
from blockctl.flows import volume_retype
from blockctl.operations import volume_create
from blockctl.operations import volumes
from blockctl.states import VOLUME

#: The state of a volume whose type is being changed.
_MEANWHILE = VOLUME.moves['retype'].target


def retype(ctx, volume_id, new_type, policy=volume_retype.NEVER):
    """Accept that a volume gets the type ``new_type`` (name or id).

    ``policy``: 'never', or 'on-demand', which lets it be moved to storage that offers the type.

    ==================================  =======================  ==========================================
    condition                           error                    what the caller should do
    ==================================  =======================  ==========================================
    no such type, or not for it         VolumeTypeNotFoundByName choose one of the list of types
    it has that type; its state or a    CannotRetype             see its message
    group or a server forbids it
    over the quota of the type          OverQuota                ask for more
    another request is faster           InvalidState             look at it again
    ==================================  =======================  ==========================================

    What only the scheduler finds out (no storage offers the type) ends with the volume as it was, and a message.
    """
    with ctx.reading():
        row = volumes.visible(ctx, volume_id, 'volume:retype')
        volume_type = volume_choices.volume_type(ctx, new_type)
        if volume_type is None:
            raise exceptions.VolumeTypeNotFoundByName(name=new_type)
        specs = volume_types.extra_specs(ctx, volume_type.id)
        alike = volume_type_encryption.alike(ctx, row.volume_type_id, volume_type.id)
        was, will_be = (qos_specs.of_type(ctx, each).for_host(row.size)
                        for each in (row.volume_type_id, volume_type.id))
    key, value = volume_create.MULTIATTACH_SPEC
    multiattach = specs.get(key) == value
    if multiattach:
        ctx.must('volume:multiattach', row)
    _check(row, volume_type, multiattach, same_qos=was == will_be, alike=alike)
    volume_retype.retype_volume(ctx, row, volume_migrate.payload_of(
        row, _MEANWHILE, volume_type, specs, policy=policy,
        new_type={'volume_type_id': volume_type.id, 'multiattach': multiattach}))


def _check(row, volume_type, multiattach, same_qos, alike):
    """``same_qos``: what hosts are told to see to stays the same; ``alike``: so does its encryption."""
    used = row.attach_status != 'detached'
    allowed = [state for event in ('retype', 'retype.attached') for state in VOLUME.moves[event].sources]
    reasons = [text for wrong, text in (
        (row.status not in allowed, f'its status is {row.status}; it must be {" or ".join(allowed)}'),
        (row.migration_status not in states.NOT_MIGRATING, 'it is migrating'),
        (row.group_id is not None, 'it is part of a group'),
        (row.volume_type_id == volume_type.id, f'its type is {volume_type.name} already'),
        (used and row.multiattach != multiattach,
         'whether several servers may share it cannot change while one uses it'),
        (used and not same_qos, 'its front-end QoS cannot change while a server uses it'),
        (not alike, 'volumes of that type are not encrypted in the same way')) if wrong]
    if reasons:
        raise exceptions.CannotRetype(volume_id=row.id, reason='; '.join(reasons))

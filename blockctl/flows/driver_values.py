# SPDX-License-Identifier: Apache-2.0
"""From rows to the frozen values drivers get."""

from oslo_utils import uuidutils

from blockctl import exceptions
from blockctl.drivers import interface
from blockctl.rpc import volume as volume_rpc


def volume(ctx, row):
    """A volume's row as drivers see it."""
    return interface.Volume(
        id=row.id, size=row.size, pool=volume_rpc.pool_of(row.host),
        name=ctx.conf.volume_name_template % (row.name_id or row.id), provider_id=row.provider_id,
        provider_location=row.provider_location, encrypted=row.encryption_key_id is not None)


def snapshot(ctx, row, volume_row):
    """A snapshot's row, with its volume's, as drivers see it."""
    return interface.Snapshot(
        id=row.id, name=ctx.conf.snapshot_name_template % row.id, volume=volume(ctx, volume_row),
        size=row.volume_size, provider_id=row.provider_id)


def able(work, ability):
    """The job's driver, when it has the ability (a class of drivers.interface). Raises BackendUnable."""
    if not isinstance(work.driver, ability):
        raise exceptions.BackendUnable(ability=ability.__name__)
    return work.driver


def id_in(template, name):
    """The id in a name that the operator's template gave, or None where it did not."""
    start, _, end = template.partition('%s')
    found = name[len(start):len(name) - len(end)]
    return found if uuidutils.is_uuid_like(found) and template % found == name else None

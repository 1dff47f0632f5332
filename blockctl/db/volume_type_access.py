# SPDX-License-Identifier: Apache-2.0
"""Which projects may use a private type. Of a type that is public the rows stay, and count again when it is private."""

import sqlalchemy as sa
from oslo_db import exception as db_exception

from blockctl import exceptions
from blockctl.db.tables import volume_type_projects as table


def projects(ctx, volume_type_id):
    """The ids of the projects, in order."""
    return list(ctx.conn.execute(sa.select(table.c.project_id).where(
        table.c.volume_type_id == volume_type_id).order_by(table.c.project_id)).scalars())


def add(ctx, volume_type_id, project_id):
    """Let a project use a type. Raises VolumeTypeAccessExists, or VolumeTypeNotFound when it was deleted meanwhile."""
    try:
        ctx.conn.execute(sa.insert(table).values(volume_type_id=volume_type_id, project_id=project_id))
    except db_exception.DBDuplicateEntry:
        raise exceptions.VolumeTypeAccessExists(volume_type_id=volume_type_id, project_id=project_id) from None
    except db_exception.DBReferenceError:
        raise exceptions.VolumeTypeNotFound(volume_type_id=volume_type_id) from None


def remove(ctx, volume_type_id, project_id):
    """Stop a project from using a type. Raises VolumeTypeAccessNotFound."""
    removed = ctx.conn.execute(sa.delete(table).where(
        table.c.volume_type_id == volume_type_id, table.c.project_id == project_id)).rowcount
    if not removed:
        raise exceptions.VolumeTypeAccessNotFound(volume_type_id=volume_type_id, project_id=project_id)

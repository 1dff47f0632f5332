# SPDX-License-Identifier: Apache-2.0
"""The types of projects' volumes whose request names none, where they are not that of the configuration."""

import sqlalchemy as sa
from oslo_db import exception as db_exception

from blockctl import exceptions
from blockctl.db import insert
from blockctl.db.columns import utcnow
from blockctl.db.tables import default_volume_types as table


def get(ctx, project_id):
    """The row of a project. Raises DefaultTypeNotFound."""
    row = ctx.conn.execute(sa.select(table).where(table.c.project_id == project_id)).first()
    if row is None:
        raise exceptions.DefaultTypeNotFound(project_id=project_id)
    return row


def rows(ctx):
    """The rows of all projects that have one, in order of their ids."""
    return ctx.conn.execute(sa.select(table).order_by(table.c.project_id)).all()


def is_default(ctx, volume_type_id):
    """Whether the type is that of a project."""
    return ctx.conn.execute(
        sa.select(table.c.project_id).where(table.c.volume_type_id == volume_type_id).limit(1)).first() is not None


def put(ctx, project_id, volume_type_id):
    """Give a project its type, or another. Raises VolumeTypeNotFound when it was deleted meanwhile."""
    try:
        insert.if_absent(ctx.conn, table, project_id=project_id, volume_type_id=volume_type_id, created_at=utcnow())
        ctx.conn.execute(sa.update(table).where(
            table.c.project_id == project_id, table.c.volume_type_id != volume_type_id
        ).values(volume_type_id=volume_type_id, updated_at=utcnow()))
    except db_exception.DBReferenceError:
        raise exceptions.VolumeTypeNotFound(volume_type_id=volume_type_id) from None


def remove(ctx, project_id):
    """Let the configuration's type hold for a project. That it held before is fine."""
    ctx.conn.execute(sa.delete(table).where(table.c.project_id == project_id))

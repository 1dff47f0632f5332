# SPDX-License-Identifier: Apache-2.0
"""What a new volume may be made of: types that its project may use, zones that a service serves."""

import sqlalchemy as sa

from blockctl.db.tables import services
from blockctl.db.tables import volume_type_projects
from blockctl.db.tables import volume_types

BINARY = 'cinder-volume'


def volume_type(ctx, name_or_id):
    """The row of a type the caller's project may use, by id or else by name; None when there is none."""
    types = volume_types.c
    given = sa.exists().where(volume_type_projects.c.volume_type_id == types.id,
                              volume_type_projects.c.project_id == ctx.project_id)
    wanted = [types.name == name_or_id]
    if name_or_id.isascii() and len(name_or_id) <= 36:
        wanted.append(types.id == name_or_id)
    statement = sa.select(volume_types).where(sa.or_(*wanted))
    if not ctx.is_admin:
        statement = statement.where(sa.or_(types.is_public, given))
    rows = ctx.conn.execute(statement).all()
    return next((row for row in rows if row.id == name_or_id), rows[0] if rows else None)


def zones(ctx):
    """Names of the zones in which volumes can be."""
    return set(ctx.conn.execute(sa.select(services.c.availability_zone).distinct().where(
        services.c.binary == BINARY, ~services.c.disabled)).scalars())

# SPDX-License-Identifier: Apache-2.0
"""What a new volume may be made of: types that its project may use, zones that a service serves."""

import functools

import sqlalchemy as sa

from blockctl import exceptions
from blockctl.db import volume_type_encryption
from blockctl.db.tables import default_volume_types
from blockctl.db.tables import services
from blockctl.db.tables import volume_type_encryptions
from blockctl.db.tables import volume_type_projects
from blockctl.db.tables import volume_types

BINARY = 'cinder-volume'

_ENCRYPTION = [volume_type_encryptions.c[name] for name in volume_type_encryption.SETTINGS]


def volume_type(ctx, name_or_id):
    """The row of a type the caller's project may use, by id or else by name; None when there is none.

    With what db.volume_type_encryption.settings_of reads.
    """
    rows = ctx.conn.execute(_type(_may_be_id(name_or_id), ctx.is_admin), {
        'name': name_or_id, 'project': ctx.project_id}).all()
    return next((row for row in rows if row.id == name_or_id), rows[0] if rows else None)


def default_type(ctx):
    """The same of the type of volumes whose request names none: the project's own default, else the configuration's.

    Raises VolumeTypeNotFound for a default of its own that it may not use; VolumeTypeNotFoundByName when it has none,
    and may not use the configuration's, or there is none.
    """
    name = ctx.conf.default_volume_type
    rows = ctx.conn.execute(_default(_may_be_id(name), ctx.is_admin), {
        'name': name, 'project': ctx.project_id}).all()
    for row in sorted(rows, key=lambda row: (not row.own, row.id != name)):
        if row.usable:
            return row
        if row.own:
            raise exceptions.VolumeTypeNotFound(volume_type_id=row.id)
    raise exceptions.VolumeTypeNotFoundByName(name=name)


# Each is built once: every create asks one of them. Their parameters: ``name``, ``project``.
_PROJECT = sa.bindparam('project', type_=volume_type_projects.c.project_id.type)


@functools.cache
def _type(by_id_too, any_project):
    return sa.select(volume_types, *_ENCRYPTION).outerjoin(volume_type_encryptions).where(
        _called(by_id_too), _usable(any_project))


@functools.cache
def _default(by_id_too, any_project):
    own = default_volume_types.c
    mine = sa.and_(own.volume_type_id == volume_types.c.id, own.project_id == _PROJECT)
    return (
        sa.select(volume_types, *_ENCRYPTION, own.project_id.is_not(None).label('own'),
                  _usable(any_project).label('usable'))
        .outerjoin(volume_type_encryptions).outerjoin(default_volume_types, mine)
        .where(sa.or_(own.project_id.is_not(None), _called(by_id_too))))


def _may_be_id(text):
    return text.isascii() and len(text) <= 36


def _called(by_id_too):
    types = volume_types.c
    named = types.name == sa.bindparam('name', type_=types.name.type)
    return sa.or_(named, types.id == sa.bindparam('name', type_=types.name.type)) if by_id_too else named


def _usable(any_project):
    if any_project:
        return sa.true()
    given = sa.exists().where(volume_type_projects.c.volume_type_id == volume_types.c.id,
                              volume_type_projects.c.project_id == _PROJECT)
    return sa.or_(volume_types.c.is_public, given)


def zones(ctx):
    """Names of the zones in which volumes can be."""
    return set(ctx.conn.execute(sa.select(services.c.availability_zone).distinct().where(
        services.c.binary == BINARY, ~services.c.disabled)).scalars())

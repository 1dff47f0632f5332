# SPDX-License-Identifier: Apache-2.0
"""Quota: usage that equals the rows at every commit, with the bound inside the statement that raises it.

Usage and limits of a volume type are kept under the type's id (``volumes_<type id>``), so renaming a type touches none.
"""

import sqlalchemy as sa

from blockctl import exceptions
from blockctl.db import insert
from blockctl.db.tables import quota_classes
from blockctl.db.tables import quota_usages
from blockctl.db.tables import quotas
from blockctl.db.tables import volume_types
from blockctl.db.volume_types import COUNTED

UNLIMITED = -1

#: The class whose limits hold for projects without their own.
DEFAULT_CLASS = 'default'


def volume_deltas(size, volume_type_id, count=1):
    """What ``count`` volumes of together ``size`` GiB take, by resource."""
    deltas = {'volumes': count, 'gigabytes': size}
    if volume_type_id:
        deltas |= {f'volumes_{volume_type_id}': count, f'gigabytes_{volume_type_id}': size}
    return deltas


def growth_deltas(growth, volume_type_id):
    """What a volume takes, by resource, that grows by ``growth`` GiB."""
    return {name: amount for name, amount in volume_deltas(growth, volume_type_id, count=0).items() if amount}


def snapshot_deltas(conf, size, volume_type_id, count=1):
    """What ``count`` snapshots of volumes of together ``size`` GiB take; their GiB unless ``no_snapshot_gb_quota``."""
    deltas = {'snapshots': count} | ({} if conf.no_snapshot_gb_quota else {'gigabytes': size})
    if volume_type_id:
        deltas |= {f'{name}_{volume_type_id}': amount for name, amount in deltas.items()}
    return deltas


_OWN = sa.select(sa.literal(1).label('own'), quotas.c.resource, quotas.c.hard_limit).where(
    quotas.c.project_id == sa.bindparam('project'))
_OWN_OR_DEFAULT = sa.union_all(_OWN, sa.select(
    sa.literal(0).label('own'), quota_classes.c.resource, quota_classes.c.hard_limit).where(
        quota_classes.c.class_name == DEFAULT_CLASS))


def limits(ctx, project_id):
    """The project's limit of every resource that has one: its own, else the default class's, else the option's."""
    result = _of_options(ctx.conf)
    statement = _OWN_OR_DEFAULT if ctx.conf.use_default_quota_class else _OWN
    for row in sorted(ctx.conn.execute(statement, {'project': project_id}), key=lambda row: row.own):
        result[row.resource] = row.hard_limit
    return result


def usages(ctx, project_id):
    """What the project uses, by resource."""
    rows = ctx.conn.execute(
        sa.select(quota_usages.c.resource, quota_usages.c.in_use).where(quota_usages.c.project_id == project_id))
    return {row.resource: row.in_use for row in rows}


def reserve(ctx, project_id, deltas, allowed=None):
    """Take ``deltas`` ({resource: amount}) in the caller's transaction. Raises OverQuota with the numbers.

    ``allowed``: :func:`limits`, when the caller has them already.
    """
    allowed = allowed or limits(ctx, project_id)
    for resource in sorted(deltas):  # one order everywhere, so that two transactions cannot deadlock
        limit = allowed.get(resource, UNLIMITED)
        if not _raise(ctx, project_id, resource, deltas[resource], limit):
            # Either there is no row yet, or the bound refused.
            insert.if_absent(ctx.conn, quota_usages, project_id=project_id, resource=resource, in_use=0)
            if not _raise(ctx, project_id, resource, deltas[resource], limit):
                raise exceptions.OverQuota(resource=_outside(ctx, resource), requested=deltas[resource], limit=limit,
                                           used=usages(ctx, project_id).get(resource, 0))


def _outside(ctx, resource):
    """A resource as users know it: that of a type by the type's name."""
    counted, _, type_id = resource.rpartition('_')
    if counted not in COUNTED:
        return resource
    name = ctx.conn.execute(sa.select(volume_types.c.name).where(volume_types.c.id == type_id)).scalar()
    return f'{counted}_{name or type_id}'


# Built once: four of these are in every create and delete, and building one costs as much as sending it.
_SUM = quota_usages.c.in_use + sa.bindparam('amount', type_=sa.BigInteger())
_ADD = sa.update(quota_usages).where(
    quota_usages.c.project_id == sa.bindparam('project'), quota_usages.c.resource == sa.bindparam('name'),
).values(in_use=_SUM)
_ADD_BOUNDED = _ADD.where(sa.bindparam('bound', type_=sa.BigInteger()) >= _SUM)


def _raise(ctx, project_id, resource, amount, limit):
    values = {'project': project_id, 'name': resource, 'amount': amount}
    if limit != UNLIMITED and amount > 0:
        return ctx.conn.execute(_ADD_BOUNDED, {**values, 'bound': limit}).rowcount == 1
    return ctx.conn.execute(_ADD, values).rowcount == 1


def give_back(ctx, project_id, deltas):
    """Return ``deltas`` in the transaction that removes the rows they were taken for."""
    for resource in sorted(deltas):
        _raise(ctx, project_id, resource, -deltas[resource], UNLIMITED)


def lock_usages(ctx, project_id):
    """{resource: amount} of what a project uses; nobody takes or gives back any of it until the transaction ends."""
    rows = ctx.conn.execute(
        sa.select(quota_usages.c.resource, quota_usages.c.in_use).where(quota_usages.c.project_id == project_id)
        .order_by(quota_usages.c.resource).with_for_update())
    return {row.resource: row.in_use for row in rows}


def begin_usage(ctx, project_id, resource):
    """There is a row to lock from now on: of nothing that is used, which is what no row means."""
    insert.if_absent(ctx.conn, quota_usages, project_id=project_id, resource=resource, in_use=0)


def correct(ctx, project_id, resource, amount):
    """Record what is used; the caller has all of the project's usage locked, and counted (db/quota_repair.py)."""
    ctx.conn.execute(sa.update(quota_usages).where(
        quota_usages.c.project_id == project_id, quota_usages.c.resource == resource).values(in_use=amount))


#: What may be limited beside the resources of types.
NAMES = ('volumes', 'per_volume_gigabytes', 'snapshots', 'gigabytes', 'backups', 'backup_gigabytes', 'groups')


def _of_options(conf):
    result = {name: getattr(conf, f'quota_{name}') for name in NAMES if name != 'per_volume_gigabytes'}
    return result | {'per_volume_gigabytes': conf.per_volume_size_limit}


def defaults(ctx):
    """Limits of a project that has none of its own."""
    return class_limits(ctx, DEFAULT_CLASS) if ctx.conf.use_default_quota_class else _of_options(ctx.conf)


def class_limits(ctx, class_name):
    """Limits of a class: its own, else the options'."""
    rows = ctx.conn.execute(sa.select(quota_classes.c.resource, quota_classes.c.hard_limit).where(
        quota_classes.c.class_name == class_name))
    return _of_options(ctx.conf) | {row.resource: row.hard_limit for row in rows}


def set_limits(ctx, project_id, limits_):
    """Give a project limits ({resource: limit}) of its own. What it uses already may be more than that."""
    _set(ctx, quotas, {'project_id': project_id}, limits_)


def set_class_limits(ctx, class_name, limits_):
    """Change the limits of a class."""
    _set(ctx, quota_classes, {'class_name': class_name}, limits_)


def forget_limits(ctx, project_id):
    """From now on the defaults hold for a project."""
    ctx.conn.execute(sa.delete(quotas).where(quotas.c.project_id == project_id))


def _set(ctx, table, owner, limits_):
    whose = [table.c[name] == value for name, value in owner.items()]
    for resource, limit in sorted(limits_.items()):
        insert.if_absent(ctx.conn, table, **owner, resource=resource, hard_limit=limit)
        ctx.conn.execute(sa.update(table).where(*whose, table.c.resource == resource).values(hard_limit=limit))

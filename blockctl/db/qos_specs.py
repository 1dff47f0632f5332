# SPDX-License-Identifier: Apache-2.0
"""QoS specs, and the volume types associated with them (volume_types.qos_specs_id).

Who associates or removes has the row locked: so specs do not go while a type gets them.
"""

import dataclasses

import sqlalchemy as sa
from oslo_db import exception as db_exception

from blockctl import exceptions
from blockctl import qos
from blockctl.db import pages
from blockctl.db import pairs
from blockctl.db.columns import utcnow
from blockctl.db.tables import qos_spec_values
from blockctl.db.tables import qos_specs
from blockctl.db.tables import volume_types

#: What a list can be sorted by.
SORTS = {name: qos_specs.c[name] for name in ('id', 'name', 'consumer', 'created_at', 'updated_at')}

_DEFAULT = (('created_at', 'desc'), ('id', 'desc'))

_VALUES = qos_spec_values.c.qos_specs_id


@dataclasses.dataclass(frozen=True, slots=True)
class OfType:
    """What a type has of QoS: the specs and who sees to them; nothing of either when it has none."""

    consumer: str | None = None
    specs: dict = dataclasses.field(default_factory=dict)

    def for_host(self, size):
        """See qos.for_host; ``size``: GiB of the volume."""
        return qos.for_host(self.consumer, self.specs, size)

    def for_storage(self):
        """See qos.for_storage."""
        return qos.for_storage(self.consumer, self.specs)


_OF_TYPE = (
    sa.select(qos_specs.c.consumer, qos_spec_values.c.key, qos_spec_values.c.value)
    .join(volume_types, volume_types.c.qos_specs_id == qos_specs.c.id)
    .outerjoin(qos_spec_values, qos_specs.c.id == _VALUES)
    .where(volume_types.c.id == sa.bindparam('volume_type_id')))


def of_type(ctx, volume_type_id):
    """The OfType of a type, or of no type (None)."""
    if volume_type_id is None:
        return OfType()
    rows = ctx.conn.execute(_OF_TYPE, {'volume_type_id': volume_type_id}).all()
    if not rows:
        return OfType()
    return OfType(rows[0].consumer, {row.key: row.value for row in rows if row.key is not None})


def get(ctx, qos_specs_id):
    """The row. Raises QosSpecsNotFound."""
    return _one(ctx, sa.select(qos_specs), qos_specs_id)


def lock(ctx, qos_specs_id):
    """The row; nobody else changes it, or what it is associated with, before the transaction ends."""
    return _one(ctx, sa.select(qos_specs).with_for_update(), qos_specs_id)


def _one(ctx, statement, qos_specs_id):
    row = ctx.conn.execute(statement.where(qos_specs.c.id == qos_specs_id)).first()
    if row is None:
        raise exceptions.QosSpecsNotFound(qos_specs_id=qos_specs_id)
    return row


def page(ctx, page):
    """The Found page of all of them."""
    return pages.fetch(ctx, sa.select(qos_specs), [], [], page, SORTS, _DEFAULT,
                       lambda: exceptions.QosSpecsNotFound(qos_specs_id=page.marker))


def specs_of(ctx, rows):
    """{id: {key: value}} of ``rows``, in one statement."""
    return pairs.of_rows(ctx, _VALUES, rows)


def types(ctx, qos_specs_id):
    """Rows (id, name) of the types associated with them, newest first."""
    found = volume_types.c
    return ctx.conn.execute(sa.select(found.id, found.name).where(found.qos_specs_id == qos_specs_id).order_by(
        found.created_at.desc(), found.id)).all()


def insert(ctx, qos_specs_id, name, consumer, specs):
    """New ones. Raises QosSpecsExist."""
    try:
        ctx.conn.execute(sa.insert(qos_specs).values(
            id=qos_specs_id, name=name, consumer=consumer, created_at=utcnow()))
    except db_exception.DBDuplicateEntry:
        raise exceptions.QosSpecsExist(name=name) from None
    pairs.insert(ctx, _VALUES, qos_specs_id, specs)


def change(ctx, qos_specs_id, consumer, specs):
    """Add or overwrite ``specs``, and set who sees to them (None: as it is). The caller has them locked.

    As in the reference, a spec that is there can become null, and one that is null is not added.
    """
    there = pairs.read(ctx, _VALUES, qos_specs_id)
    specs = {key: value for key, value in specs.items() if value is not None or key in there}
    values = {'updated_at': utcnow()} | ({} if consumer is None else {'consumer': consumer})
    ctx.conn.execute(sa.update(qos_specs).where(qos_specs.c.id == qos_specs_id).values(**values))
    pairs.write(ctx, _VALUES, qos_specs_id, specs, replace=False)


def delete_keys(ctx, qos_specs_id, keys):
    """Remove specs. Raises QosSpecNotFound for the first that is not there. The caller has them locked."""
    for key in keys:
        if not pairs.delete(ctx, _VALUES, qos_specs_id, key):
            raise exceptions.QosSpecNotFound(qos_specs_id=qos_specs_id, key=key)


def delete(ctx, qos_specs_id):
    """Remove them. Raises QosSpecsInUse while types are associated. The caller has them locked."""
    used = sa.exists().where(volume_types.c.qos_specs_id == qos_specs.c.id)
    if not ctx.conn.execute(sa.delete(qos_specs).where(qos_specs.c.id == qos_specs_id, ~used)).rowcount:
        raise exceptions.QosSpecsInUse(qos_specs_id=qos_specs_id)


def associate(ctx, qos_specs_id, volume_type_id):
    """Give a type these specs; it had them before is fine. The caller has them locked.

    Raises VolumeTypeNotFound, or VolumeTypeHasQosSpecs when it has others.
    """
    mine = sa.or_(volume_types.c.qos_specs_id.is_(None), volume_types.c.qos_specs_id == qos_specs_id)
    if _set(ctx, qos_specs_id, volume_types.c.id == volume_type_id, mine):
        return
    row = ctx.conn.execute(sa.select(volume_types.c.qos_specs_id).where(volume_types.c.id == volume_type_id)).first()
    if row is None:
        raise exceptions.VolumeTypeNotFound(volume_type_id=volume_type_id)
    raise exceptions.VolumeTypeHasQosSpecs(volume_type_id=volume_type_id, qos_specs_id=row.qos_specs_id)


def disassociate(ctx, qos_specs_id, volume_type_id):
    """Take these specs from a type; that it has none, or others, is fine. The caller has them locked."""
    _set(ctx, None, volume_types.c.id == volume_type_id, volume_types.c.qos_specs_id == qos_specs_id)


def disassociate_all(ctx, qos_specs_id):
    """Take these specs from all types. The caller has them locked."""
    _set(ctx, None, volume_types.c.qos_specs_id == qos_specs_id)


def _set(ctx, qos_specs_id, *where):
    return ctx.conn.execute(sa.update(volume_types).where(*where).values(
        qos_specs_id=qos_specs_id, updated_at=utcnow())).rowcount

# SPDX-License-Identifier: Apache-2.0
"""What can be done with QoS specs: limits that hosts, or the storage, keep volumes of certain types to.

What the host keeps is told with each new connection; what the storage keeps is set when a volume is made or retyped.
Neither reaches back to volumes and connections that are there: to change them, connect again, or retype.
"""

import dataclasses

from oslo_utils import uuidutils

from blockctl import exceptions
from blockctl import qos
from blockctl.db import deadlocks
from blockctl.db import qos_specs
from blockctl.flows import notifications
from blockctl.operations import volume_types

SORTS = frozenset(qos_specs.SORTS)

#: Who sees to them when nobody says.
DEFAULT_CONSUMER = qos.BACK_END


@dataclasses.dataclass(frozen=True, slots=True)
class Shown:
    """What is shown with them."""

    specs: dict  # {id: {key: value}}


def find(ctx, page):
    """(Found, Shown) of all."""
    ctx.must('volume_extension:qos_specs_manage:get_all')
    with ctx.reading():
        found = qos_specs.page(ctx, page)
        return found, _shown(ctx, found.rows)


def show(ctx, qos_specs_id):
    """(row, Shown). Raises QosSpecsNotFound."""
    ctx.must('volume_extension:qos_specs_manage:get')
    with ctx.reading():
        row = qos_specs.get(ctx, _storable(qos_specs_id))
        return row, _shown(ctx, [row])


def types(ctx, qos_specs_id):
    """Rows (id, name) of the volume types associated with them. Raises QosSpecsNotFound."""
    ctx.must('volume_extension:qos_specs_manage:get_all')
    with ctx.reading():
        return qos_specs.types(ctx, qos_specs.get(ctx, _storable(qos_specs_id)).id)


def create(ctx, name, consumer, specs):
    """(row, Shown) of new ones. ``consumer``: of qos.CONSUMERS, None: the default. Raises QosSpecsExist."""
    ctx.must('volume_extension:qos_specs_manage:create')
    with ctx.writing():
        qos_specs_id = uuidutils.generate_uuid()
        qos_specs.insert(ctx, qos_specs_id, name, consumer or DEFAULT_CONSUMER, specs)
        row = qos_specs.get(ctx, qos_specs_id)
        shown = _shown(ctx, [row])
    notifications.emit(ctx, 'qos_specs.create', id=qos_specs_id, name=name, consumer=row.consumer, specs=specs)
    return row, shown


def update(ctx, qos_specs_id, consumer, specs):
    """Add or overwrite ``specs``; ``consumer`` None: as it is. Raises QosSpecsNotFound."""
    _locked(ctx, qos_specs_id, 'volume_extension:qos_specs_manage:update',
            lambda row: qos_specs.change(ctx, row.id, consumer, specs))
    notifications.emit(ctx, 'qos_specs.update', id=qos_specs_id, specs=specs)


def delete_keys(ctx, qos_specs_id, keys):
    """Remove specs, all or none. Raises QosSpecsNotFound, QosSpecNotFound."""
    _locked(ctx, qos_specs_id, 'volume_extension:qos_specs_manage:delete',
            lambda row: qos_specs.delete_keys(ctx, row.id, sorted(set(keys))))
    notifications.emit(ctx, 'qos_specs.delete_keys', id=qos_specs_id)


def delete(ctx, qos_specs_id, force=False):
    """Remove them. ``force``: types lose them. Raises QosSpecsNotFound; without ``force``, QosSpecsInUse."""
    def act(row):
        if force:
            qos_specs.disassociate_all(ctx, row.id)
        qos_specs.delete(ctx, row.id)

    _locked(ctx, qos_specs_id, 'volume_extension:qos_specs_manage:delete', act)
    notifications.emit(ctx, 'qos_specs.delete', id=qos_specs_id)


def associate(ctx, qos_specs_id, volume_type_id):
    """Give a volume type these specs. Raises QosSpecsNotFound, VolumeTypeNotFound, VolumeTypeHasQosSpecs."""
    _locked(ctx, qos_specs_id, 'volume_extension:qos_specs_manage:update',
            lambda row: qos_specs.associate(ctx, row.id, volume_types.visible(ctx, volume_type_id).id))
    notifications.emit(ctx, 'qos_specs.associate', id=qos_specs_id, type_id=volume_type_id)


def disassociate(ctx, qos_specs_id, volume_type_id):
    """Take them from a volume type, if it has them. Raises QosSpecsNotFound, VolumeTypeNotFound."""
    _locked(ctx, qos_specs_id, 'volume_extension:qos_specs_manage:update',
            lambda row: qos_specs.disassociate(ctx, row.id, volume_types.visible(ctx, volume_type_id).id))
    notifications.emit(ctx, 'qos_specs.disassociate', id=qos_specs_id, type_id=volume_type_id)


def disassociate_all(ctx, qos_specs_id):
    """Take them from every type. Raises QosSpecsNotFound."""
    _locked(ctx, qos_specs_id, 'volume_extension:qos_specs_manage:update',
            lambda row: qos_specs.disassociate_all(ctx, row.id))
    notifications.emit(ctx, 'qos_specs.disassociate_all', id=qos_specs_id)


@deadlocks.retried
def _locked(ctx, qos_specs_id, rule, act):
    ctx.must(rule)
    with ctx.writing():
        act(qos_specs.lock(ctx, _storable(qos_specs_id)))


def _storable(qos_specs_id):
    if not (qos_specs_id.isascii() and len(qos_specs_id) <= 36):
        raise exceptions.QosSpecsNotFound(qos_specs_id=qos_specs_id[:80])
    return qos_specs_id


def _shown(ctx, rows):
    return Shown(qos_specs.specs_of(ctx, rows))

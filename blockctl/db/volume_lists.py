# SPDX-License-Identifier: Apache-2.0
"""Lists of volumes and what is shown with them: a constant number of statements, whatever the number of rows."""

import sqlalchemy as sa

from blockctl import exceptions
from blockctl.db import attachments
from blockctl.db import conditions
from blockctl.db import groups
from blockctl.db import pages
from blockctl.db.tables import volume_admin_metadata
from blockctl.db.tables import volume_image_metadata
from blockctl.db.tables import volume_metadata
from blockctl.db.tables import volume_type_encryptions
from blockctl.db.tables import volume_types
from blockctl.db.tables import volumes

#: What a list can be sorted by; display_name is what older clients call the name.
SORTS = {name: volumes.c[name] for name in (
    'id', 'status', 'size', 'availability_zone', 'name', 'bootable', 'created_at', 'updated_at', 'launched_at', 'host',
    'user_id', 'project_id', 'volume_type_id', 'attach_status', 'multiattach')} | {'display_name': volumes.c.name}

_DEFAULT = (('created_at', 'desc'), ('id', 'desc'))


def _host(wanted):
    # host, host@backend and host@backend#pool each name all that is below them.
    if wanted.op != 'eq':
        return conditions.compare(volumes.c.host, wanted)
    return sa.or_(volumes.c.host == wanted.value, *(
        volumes.c.host.startswith(wanted.value + mark, autoescape=True) for mark in '@#'))


#: What a list can be filtered by (api/filters.py says who may, and since when).
FILTERS = {name: volumes.c[name] for name in (
    'id', 'name', 'description', 'status', 'user_id', 'cluster_name', 'availability_zone', 'project_id',
    'volume_type_id', 'attach_status', 'snapshot_id', 'source_volid', 'migration_status', 'size', 'bootable',
    'multiattach', 'group_id', 'created_at', 'updated_at')} | {
    'display_name': volumes.c.name, 'consumes_quota': volumes.c.use_quota, 'host': _host,
    'metadata': lambda wanted: conditions.pairs(volume_metadata, volume_metadata.c.volume_id, volumes.c.id, wanted),
    'glance_metadata': lambda wanted: conditions.pairs(
        volume_image_metadata, volume_image_metadata.c.volume_id, volumes.c.id, wanted)}

#: Notes of administrators that everybody who sees the volume sees among its metadata.
_VISIBLE = ('readonly', 'attached_mode')

# A volume of an encrypted type is encrypted, also while its key is still to be made.
_ENCRYPTED = sa.or_(volumes.c.encryption_key_id.is_not(None), volume_type_encryptions.c.volume_type_id.is_not(None))

# No list shows these: reading a column of 1,000 rows costs more than it seems.
_UNLISTED = frozenset({'previous_status', 'provider_location', 'growth', 'name_id', 'launched_at'})


def _select(*columns):
    return sa.select(
        *columns, volume_types.c.name.label('volume_type_name'), _ENCRYPTED.label('encrypted'),
    ).select_from(volumes.outerjoin(volume_types, volume_types.c.id == volumes.c.volume_type_id).outerjoin(
        volume_type_encryptions, volume_type_encryptions.c.volume_type_id == volumes.c.volume_type_id))


_LISTED = _select(*(column for column in volumes.c if column.name not in _UNLISTED))
_ONE = _select(volumes).where(volumes.c.id == sa.bindparam('volume_id'))


def get(ctx, volume_id):
    """The row with ``volume_type_name`` and ``encrypted``. Raises VolumeNotFound."""
    row = ctx.conn.execute(_ONE, {'volume_id': volume_id}).first()
    if row is None:
        raise exceptions.VolumeNotFound(volume_id=volume_id)
    return row


def page(ctx, project_id, filters, wanted):
    """The Found page of a project's volumes (None: of all) that meet ``filters`` ({name: Wanted}).

    Its rows are those of :func:`get`, without what no list shows.
    """
    return pages.fetch(ctx, _LISTED, _in_project(project_id), conditions.build(FILTERS, filters), wanted, SORTS,
                       _DEFAULT, lambda: exceptions.VolumeNotFound(volume_id=wanted.marker))


def _in_project(project_id):
    return [volumes.c.project_id == project_id] if project_id is not None else []


class Related:
    """What is shown with some volumes, by their ids."""

    def __init__(self):
        self.metadata = {}
        self.image_metadata = {}
        self.attachments = {}
        self.consistency_groups = frozenset()  # ids of their groups that are called so
        self.hosts_too = False  # whether the caller may know where servers are


def related(ctx, rows):
    """Metadata of ``rows``, of all kinds, in one statement; attachments and groups in one more each where there
    are any.
    """
    found = Related()
    found.hosts_too = ctx.is_admin
    ids = [row.id for row in rows]
    if not ids:
        return found
    statement = (_METADATA, {'ids': ids}) if len(ids) > 1 else (_METADATA_OF_ONE, {'volume_id': ids[0]})
    for kind, volume_id, key, value in ctx.conn.execute(*statement):
        place = found.metadata if kind == 'own' else found.image_metadata
        place.setdefault(volume_id, {})[key] = value
    attached = [row.id for row in rows if row.attach_status == 'attached']
    if attached:
        found.attachments = attachments.shown_with(ctx, attached)
    grouped = {row.group_id for row in rows if row.group_id is not None}
    if grouped:
        found.consistency_groups = groups.consistency_groups(ctx, grouped)
    return found


def _metadata(of_these):
    return sa.union_all(*(
        sa.select(sa.literal(kind).label('kind'), table.c.volume_id, table.c.key, table.c.value)
        .where(of_these(table.c.volume_id), *more)
        for kind, table, *more in (
            ('own', volume_metadata), ('image', volume_image_metadata),
            ('own', volume_admin_metadata, volume_admin_metadata.c.key.in_(_VISIBLE)))))


_METADATA = _metadata(lambda volume_id: volume_id.in_(sa.bindparam('ids', expanding=True)))
_METADATA_OF_ONE = _metadata(lambda volume_id: volume_id == sa.bindparam('volume_id'))


def totals(ctx, project_id):
    """(number of volumes, GiB of them) of a project, or of all."""
    row = ctx.conn.execute(sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(volumes.c.size), 0)).where(
        *_in_project(project_id))).one()
    return row[0], int(row[1])


def all_metadata(ctx, project_id):
    """{key: [values]} of the metadata of all volumes of a project, or of all."""
    pairs = volume_metadata
    statement = sa.select(pairs.c.key, pairs.c.value).distinct().join(
        volumes, volumes.c.id == pairs.c.volume_id).where(*_in_project(project_id)).order_by(pairs.c.key, pairs.c.value)
    found = {}
    for key, value in ctx.conn.execute(statement):
        found.setdefault(key, []).append(value)
    return found

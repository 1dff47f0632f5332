# SPDX-License-Identifier: Apache-2.0
"""Lists of snapshots and what is shown with them: a constant number of statements, whatever the number of rows."""

import sqlalchemy as sa

from blockctl import exceptions
from blockctl.db import conditions
from blockctl.db import pages
from blockctl.db import snapshots as db_snapshots
from blockctl.db.tables import snapshot_metadata
from blockctl.db.tables import snapshots
from blockctl.db.tables import volumes

#: What a list can be sorted by; display_name is what older clients call the name.
SORTS = {name: snapshots.c[name] for name in (
    'id', 'name', 'status', 'volume_id', 'volume_size', 'progress', 'created_at', 'updated_at', 'user_id',
    'project_id', 'volume_type_id', 'group_snapshot_id')} | {'display_name': snapshots.c.name}

_DEFAULT = (('created_at', 'desc'), ('id', 'desc'))


def _zone(wanted):
    # A snapshot is where its volume is.
    return sa.exists().where(volumes.c.id == snapshots.c.volume_id,
                             conditions.compare(volumes.c.availability_zone, wanted))


#: What a list can be filtered by (api/filters.py says who may, and since when).
FILTERS = {name: snapshots.c[name] for name in (
    'id', 'name', 'status', 'volume_id', 'volume_size', 'progress', 'user_id', 'project_id', 'volume_type_id',
    'group_snapshot_id', 'created_at', 'updated_at')} | {
    'display_name': snapshots.c.name, 'consumes_quota': snapshots.c.use_quota, 'availability_zone': _zone,
    'metadata': lambda wanted: conditions.pairs(snapshot_metadata, db_snapshots.OWNER, snapshots.c.id, wanted)}


def page(ctx, project_id, filters, wanted):
    """The Found page of a project's snapshots (None: of all) that meet ``filters`` ({name: Wanted})."""
    visible = [snapshots.c.project_id == project_id] if project_id is not None else []
    return pages.fetch(ctx, sa.select(snapshots), visible, conditions.build(FILTERS, filters), wanted, SORTS, _DEFAULT,
                       lambda: exceptions.SnapshotNotFound(snapshot_id=wanted.marker))


def metadata(ctx, rows):
    """{id: {key: value}} of ``rows``, in one statement."""
    found = {row.id: {} for row in rows}
    if found:
        table = snapshot_metadata
        for row_id, key, value in ctx.conn.execute(
                sa.select(table.c.snapshot_id, table.c.key, table.c.value).where(table.c.snapshot_id.in_(list(found)))):
            found[row_id][key] = value
    return found

# SPDX-License-Identifier: Apache-2.0
"""Volume types and their extra specs."""

import sqlalchemy as sa

from blockctl.db.tables import volume_type_extra_specs


def extra_specs(ctx, volume_type_id):
    """{key: value} of a type."""
    specs = volume_type_extra_specs
    rows = ctx.conn.execute(sa.select(specs.c.key, specs.c.value).where(specs.c.volume_type_id == volume_type_id))
    return {row.key: row.value for row in rows}

# SPDX-License-Identifier: Apache-2.0
"""blockctl-manage db: the schema, and what of the past is kept."""

from blockctl.cmd import answers
from blockctl.cmd.answers import Answer
from blockctl.db import online_migrations
from blockctl.db import purge as db_purge
from blockctl.db import schema

DAY = 86400  # seconds


def sync(ctx, args):
    """Bring the database to this release's schema."""
    schema.sync(ctx.app.db, ctx.conf.default_volume_type)
    return Answer(('Version',), [(schema.HEAD,)])


def version(ctx, args):
    """Show the schema's version, and this release's."""
    return Answer(('Database', 'Release'), [(schema.version(ctx.app.db) or 'empty', schema.HEAD)])


def online_data_migrations(ctx, args):
    """Bring rows of older releases to the form of this one, while services run; after db sync, before the next upgrade.

    With --max-count it stops after so many rows; exit status 1 tells that there are more: run it again.
    """
    rows = online_migrations.run(ctx, args.max_count)
    status = answers.FOUND if any(left for _, _, left in rows) else answers.WELL
    return Answer(('Migration', 'Migrated', 'Left'), rows, status)


def purge(ctx, args):
    """Remove what is kept of what ended more than --age-in-days ago: history and finished jobs; and expired messages.

    A few hundred rows at a time, so services do not wait for it. Usage reports (blockctl-volume-usage-audit) of a time
    need the history of that time.
    """
    return Answer(('Table', 'Rows removed'), db_purge.purge(ctx, args.age_in_days * DAY))

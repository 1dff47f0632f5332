# SPDX-License-Identifier: Apache-2.0
"""Snapshots, attachments, groups, and what changes under way have been promised."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = '0002'
down_revision = '0001'

_OPTIONS = {'mysql_engine': 'InnoDB', 'mysql_charset': 'utf8mb4', 'mysql_collate': 'utf8mb4_bin'}


def _ascii(length):
    return sa.String(length).with_variant(mysql.VARCHAR(length, charset='ascii', collation='ascii_bin'), 'mysql')


def _text(length):
    return sa.String(length).with_variant(mysql.VARCHAR(length, charset='utf8mb4', collation='utf8mb4_bin'), 'mysql')


def _time():
    return sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql')


def upgrade():
    op.add_column('volumes', sa.Column('growth', sa.Integer(), server_default='0', nullable=False))
    op.add_column('volumes', sa.Column('name_id', _ascii(36)))
    op.create_index('ix_volumes_group', 'volumes', ['group_id'])
    op.create_table(
        'volume_moves',
        sa.Column('id', _ascii(36), nullable=False),
        sa.Column('volume_id', _ascii(36), nullable=False),
        sa.Column('host', _ascii(255), nullable=False),
        sa.Column('size', sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint('id', name='pk_volume_moves'),
        sa.UniqueConstraint('volume_id', 'host', name='uq_volume_moves_volume_host'),
        **_OPTIONS)
    op.create_index('ix_volume_moves_host', 'volume_moves', ['host'])
    op.create_table(
        'snapshots',
        sa.Column('id', _ascii(36), nullable=False),
        sa.Column('project_id', _ascii(64), nullable=False),
        sa.Column('user_id', _ascii(64)),
        sa.Column('volume_id', _ascii(36), nullable=False),
        sa.Column('name', _text(255)),
        sa.Column('description', _text(255)),
        sa.Column('volume_size', sa.Integer(), nullable=False),
        sa.Column('status', _ascii(36), nullable=False),
        sa.Column('progress', _ascii(8)),
        sa.Column('use_quota', sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column('volume_type_id', _ascii(36)),
        sa.Column('group_snapshot_id', _ascii(36)),
        sa.Column('encryption_key_id', _ascii(36)),
        sa.Column('provider_id', _text(255)),
        sa.Column('provider_location', _text(1024)),
        sa.Column('created_at', _time(), nullable=False),
        sa.Column('updated_at', _time()),
        sa.ForeignKeyConstraint(['volume_id'], ['volumes.id'],
                                name='fk_snapshots_volume_id'),
        sa.PrimaryKeyConstraint('id', name='pk_snapshots'),
        **_OPTIONS)
    op.create_index('ix_snapshots_created', 'snapshots', ['created_at', 'id'])
    op.create_index('ix_snapshots_group_snapshot', 'snapshots', ['group_snapshot_id'])
    op.create_index('ix_snapshots_project_created', 'snapshots', ['project_id', 'created_at', 'id'])
    op.create_index('ix_snapshots_volume', 'snapshots', ['volume_id', 'created_at'])
    op.create_table(
        'snapshot_metadata',
        sa.Column('snapshot_id', _ascii(36), nullable=False),
        sa.Column('key', _text(255), nullable=False),
        sa.Column('value', _text(4096)),
        sa.ForeignKeyConstraint(['snapshot_id'], ['snapshots.id'],
                                name='fk_snapshot_metadata_snapshot_id', ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('snapshot_id', 'key', name='pk_snapshot_metadata'),
        **_OPTIONS)
    op.create_table(
        'attachments',
        sa.Column('id', _ascii(36), nullable=False),
        sa.Column('volume_id', _ascii(36), nullable=False),
        sa.Column('project_id', _ascii(64), nullable=False),
        sa.Column('instance_id', _ascii(36)),
        sa.Column('attached_host', _text(255)),
        sa.Column('mountpoint', _text(255)),
        sa.Column('attach_mode', _ascii(36)),
        sa.Column('attach_status', _ascii(36), nullable=False),
        sa.Column('connector', sa.JSON()),
        sa.Column('connection_info', sa.JSON()),
        sa.Column('exported', sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column('attach_time', _time()),
        sa.Column('detach_time', _time()),
        sa.Column('created_at', _time(), nullable=False),
        sa.Column('updated_at', _time()),
        sa.ForeignKeyConstraint(['volume_id'], ['volumes.id'],
                                name='fk_attachments_volume_id'),
        sa.PrimaryKeyConstraint('id', name='pk_attachments'),
        **_OPTIONS)
    op.create_index('ix_attachments_created', 'attachments', ['created_at', 'id'])
    op.create_index('ix_attachments_project_created', 'attachments', ['project_id', 'created_at', 'id'])
    op.create_index('ix_attachments_volume', 'attachments', ['volume_id'])
    op.create_table(
        'answers',
        sa.Column('job_id', _ascii(36), nullable=False),
        sa.Column('answer', sa.JSON(), nullable=False),
        sa.Column('created_at', _time(), nullable=False),
        sa.ForeignKeyConstraint(['job_id'], ['jobs.id'],
                                name='fk_answers_job_id', ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('job_id', name='pk_answers'),
        **_OPTIONS)
    op.create_index('ix_answers_created', 'answers', ['created_at'])
    op.create_table(
        'group_types',
        sa.Column('id', _ascii(36), nullable=False),
        sa.Column('name', _text(255), nullable=False),
        sa.Column('description', _text(255)),
        sa.Column('is_public', sa.Boolean(), nullable=False),
        sa.Column('created_at', _time(), nullable=False),
        sa.Column('updated_at', _time()),
        sa.PrimaryKeyConstraint('id', name='pk_group_types'),
        sa.UniqueConstraint('name', name='uq_group_types_name'),
        **_OPTIONS)
    op.create_table(
        'group_type_specs',
        sa.Column('group_type_id', _ascii(36), nullable=False),
        sa.Column('key', _text(255), nullable=False),
        sa.Column('value', _text(4096)),
        sa.ForeignKeyConstraint(['group_type_id'], ['group_types.id'],
                                name='fk_group_type_specs_group_type_id', ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('group_type_id', 'key', name='pk_group_type_specs'),
        **_OPTIONS)
    op.create_table(
        'groups',
        sa.Column('id', _ascii(36), nullable=False),
        sa.Column('project_id', _ascii(64), nullable=False),
        sa.Column('user_id', _ascii(64)),
        sa.Column('name', _text(255)),
        sa.Column('description', _text(255)),
        sa.Column('group_type_id', _ascii(36)),
        sa.Column('status', _ascii(36), nullable=False),
        sa.Column('host', _ascii(255)),
        sa.Column('availability_zone', _text(255)),
        sa.Column('replication_status', _ascii(36)),
        sa.Column('group_snapshot_id', _ascii(36)),
        sa.Column('source_group_id', _ascii(36)),
        sa.Column('created_at', _time(), nullable=False),
        sa.Column('updated_at', _time()),
        sa.ForeignKeyConstraint(['group_type_id'], ['group_types.id'],
                                name='fk_groups_group_type_id'),
        sa.PrimaryKeyConstraint('id', name='pk_groups'),
        **_OPTIONS)
    op.create_index('ix_groups_created', 'groups', ['created_at', 'id'])
    op.create_index('ix_groups_project_created', 'groups', ['project_id', 'created_at', 'id'])
    op.create_index('ix_groups_type', 'groups', ['group_type_id'])
    op.create_table(
        'group_volume_types',
        sa.Column('group_id', _ascii(36), nullable=False),
        sa.Column('volume_type_id', _ascii(36), nullable=False),
        sa.ForeignKeyConstraint(['group_id'], ['groups.id'],
                                name='fk_group_volume_types_group_id', ondelete='CASCADE'),
        sa.ForeignKeyConstraint(['volume_type_id'], ['volume_types.id'],
                                name='fk_group_volume_types_volume_type_id'),
        sa.PrimaryKeyConstraint('group_id', 'volume_type_id', name='pk_group_volume_types'),
        **_OPTIONS)
    op.create_index('ix_group_volume_types_type', 'group_volume_types', ['volume_type_id'])
    op.create_table(
        'group_snapshots',
        sa.Column('id', _ascii(36), nullable=False),
        sa.Column('project_id', _ascii(64), nullable=False),
        sa.Column('user_id', _ascii(64)),
        sa.Column('group_id', _ascii(36), nullable=False),
        sa.Column('name', _text(255)),
        sa.Column('description', _text(255)),
        sa.Column('group_type_id', _ascii(36)),
        sa.Column('status', _ascii(36), nullable=False),
        sa.Column('created_at', _time(), nullable=False),
        sa.Column('updated_at', _time()),
        sa.ForeignKeyConstraint(['group_id'], ['groups.id'],
                                name='fk_group_snapshots_group_id'),
        sa.ForeignKeyConstraint(['group_type_id'], ['group_types.id'],
                                name='fk_group_snapshots_group_type_id'),
        sa.PrimaryKeyConstraint('id', name='pk_group_snapshots'),
        **_OPTIONS)
    op.create_index('ix_group_snapshots_created', 'group_snapshots', ['created_at', 'id'])
    op.create_index('ix_group_snapshots_group', 'group_snapshots', ['group_id'])
    op.create_index('ix_group_snapshots_project_created', 'group_snapshots', ['project_id', 'created_at', 'id'])

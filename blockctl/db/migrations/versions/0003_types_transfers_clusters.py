# SPDX-License-Identifier: Apache-2.0
"""Encryption, QoS and project defaults of types, transfers, clusters."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = '0003'
down_revision = '0002'

_OPTIONS = {'mysql_engine': 'InnoDB', 'mysql_charset': 'utf8mb4', 'mysql_collate': 'utf8mb4_bin'}


def _ascii(length):
    return sa.String(length).with_variant(mysql.VARCHAR(length, charset='ascii', collation='ascii_bin'), 'mysql')


def _text(length):
    return sa.String(length).with_variant(mysql.VARCHAR(length, charset='utf8mb4', collation='utf8mb4_bin'), 'mysql')


def _time():
    return sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql')


def upgrade():
    op.create_table(
        'volume_type_encryptions',
        sa.Column('volume_type_id', _ascii(36), nullable=False),
        sa.Column('encryption_id', _ascii(36), nullable=False),
        sa.Column('provider', _text(255), nullable=False),
        sa.Column('cipher', _text(255)),
        sa.Column('key_size', sa.Integer()),
        sa.Column('control_location', _ascii(36), nullable=False),
        sa.Column('created_at', _time(), nullable=False),
        sa.Column('updated_at', _time()),
        sa.ForeignKeyConstraint(['volume_type_id'], ['volume_types.id'],
                                name='fk_volume_type_encryptions_volume_type_id', ondelete='CASCADE'),
        sa.UniqueConstraint('encryption_id', name='uq_volume_type_encryptions_encryption_id'),
        sa.PrimaryKeyConstraint('volume_type_id', name='pk_volume_type_encryptions'),
        **_OPTIONS)
    op.create_table(
        'default_volume_types',
        sa.Column('project_id', _ascii(64), nullable=False),
        sa.Column('volume_type_id', _ascii(36), nullable=False),
        sa.Column('created_at', _time(), nullable=False),
        sa.Column('updated_at', _time()),
        sa.ForeignKeyConstraint(['volume_type_id'], ['volume_types.id'],
                                name='fk_default_volume_types_volume_type_id'),
        sa.PrimaryKeyConstraint('project_id', name='pk_default_volume_types'),
        **_OPTIONS)
    op.create_index('ix_default_volume_types_type', 'default_volume_types', ['volume_type_id'])
    op.create_table(
        'qos_specs',
        sa.Column('id', _ascii(36), nullable=False),
        sa.Column('name', _text(255), nullable=False),
        sa.Column('consumer', _ascii(36), nullable=False),
        sa.Column('created_at', _time(), nullable=False),
        sa.Column('updated_at', _time()),
        sa.UniqueConstraint('name', name='uq_qos_specs_name'),
        sa.PrimaryKeyConstraint('id', name='pk_qos_specs'),
        **_OPTIONS)
    op.create_table(
        'qos_spec_values',
        sa.Column('qos_specs_id', _ascii(36), nullable=False),
        sa.Column('key', _text(255), nullable=False),
        sa.Column('value', _text(4096)),
        sa.ForeignKeyConstraint(['qos_specs_id'], ['qos_specs.id'],
                                name='fk_qos_spec_values_qos_specs_id', ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('qos_specs_id', 'key', name='pk_qos_spec_values'),
        **_OPTIONS)
    op.create_table(
        'transfers',
        sa.Column('id', _ascii(36), nullable=False),
        sa.Column('volume_id', _ascii(36), nullable=False),
        sa.Column('project_id', _ascii(64), nullable=False),
        sa.Column('name', _text(255)),
        sa.Column('salt', _ascii(64), nullable=False),
        sa.Column('key_hash', _ascii(255), nullable=False),
        sa.Column('with_snapshots', sa.Boolean(), nullable=False),
        sa.Column('created_at', _time(), nullable=False),
        sa.Column('updated_at', _time()),
        sa.ForeignKeyConstraint(['volume_id'], ['volumes.id'], name='fk_transfers_volume_id', ondelete='CASCADE'),
        sa.UniqueConstraint('volume_id', name='uq_transfers_volume_id'),
        sa.PrimaryKeyConstraint('id', name='pk_transfers'),
        **_OPTIONS)
    op.create_index('ix_transfers_created', 'transfers', ['created_at', 'id'])
    op.create_index('ix_transfers_project_created', 'transfers', ['project_id', 'created_at', 'id'])
    op.create_table(
        'clusters',
        sa.Column('id', _ascii(36), nullable=False),
        sa.Column('binary', _ascii(64), nullable=False),
        sa.Column('name', _ascii(255), nullable=False),
        sa.Column('disabled', sa.Boolean(), nullable=False),
        sa.Column('disabled_reason', _text(255)),
        sa.Column('frozen', sa.Boolean(), nullable=False),
        sa.Column('replication_status', _ascii(36)),
        sa.Column('active_backend_id', _text(255)),
        sa.Column('created_at', _time(), nullable=False),
        sa.Column('updated_at', _time()),
        sa.UniqueConstraint('binary', 'name', name='uq_clusters_binary_name'),
        sa.PrimaryKeyConstraint('id', name='pk_clusters'),
        **_OPTIONS)

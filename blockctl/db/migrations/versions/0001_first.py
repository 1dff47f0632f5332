# SPDX-License-Identifier: Apache-2.0
"""The first schema."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = '0001'
down_revision = None

_OPTIONS = {'mysql_engine': 'InnoDB', 'mysql_charset': 'utf8mb4', 'mysql_collate': 'utf8mb4_bin'}


def _ascii(length):
    return sa.String(length).with_variant(mysql.VARCHAR(length, charset='ascii', collation='ascii_bin'), 'mysql')


def _text(length):
    return sa.String(length).with_variant(mysql.VARCHAR(length, charset='utf8mb4', collation='utf8mb4_bin'), 'mysql')


def _time():
    return sa.DateTime().with_variant(mysql.DATETIME(fsp=6), 'mysql')


def upgrade():
    op.create_table(
        'history',
        sa.Column('number', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
        sa.Column('resource_type', _ascii(36), nullable=False),
        sa.Column('resource_id', _ascii(36), nullable=False),
        sa.Column('project_id', _ascii(64), nullable=False),
        sa.Column('size', sa.Integer()),
        sa.Column('volume_type_id', _ascii(36)),
        sa.Column('host', _ascii(255)),
        sa.Column('created_at', _time(), nullable=False),
        sa.Column('deleted_at', _time(), nullable=False),
        sa.PrimaryKeyConstraint('number', name='pk_history'),
        **_OPTIONS)
    op.create_index('ix_history_deleted', 'history', ['deleted_at'])
    op.create_index('ix_history_resource', 'history', ['resource_id'])
    op.create_table(
        'jobs',
        sa.Column('id', _ascii(36), nullable=False),
        sa.Column('kind', _ascii(64), nullable=False),
        sa.Column('resource_id', _ascii(36), nullable=False),
        sa.Column('live_key', _ascii(36)),
        sa.Column('topic', _ascii(255), nullable=False),
        sa.Column('payload', sa.JSON(), nullable=False),
        sa.Column('needs', sa.Integer(), nullable=False),
        sa.Column('epoch', sa.Integer(), nullable=False),
        sa.Column('direction', _ascii(8), nullable=False),
        sa.Column('step', _ascii(64)),
        sa.Column('progress', sa.Float()),
        sa.Column('owner', _ascii(36)),
        sa.Column('lease_until', _time()),
        sa.Column('identity', _text(255)),
        sa.Column('to_fence', sa.JSON(), nullable=False),
        sa.Column('started_at', _time()),
        sa.Column('not_before', _time()),
        sa.Column('tries', sa.Integer(), nullable=False),
        sa.Column('failing_since', _time()),
        sa.Column('takeovers', sa.Integer(), nullable=False),
        sa.Column('reschedules', sa.Integer(), nullable=False),
        sa.Column('excluded', sa.JSON(), nullable=False),
        sa.Column('request_id', _ascii(64)),
        sa.Column('global_request_id', _ascii(64)),
        sa.Column('user_id', _ascii(64)),
        sa.Column('project_id', _ascii(64)),
        sa.Column('roles', sa.JSON(), nullable=False),
        sa.Column('outcome', _ascii(36)),
        sa.Column('finished_at', _time()),
        sa.Column('created_at', _time(), nullable=False),
        sa.Column('updated_at', _time()),
        sa.PrimaryKeyConstraint('id', name='pk_jobs'),
        sa.UniqueConstraint('live_key', name='uq_jobs_live_key'),
        **_OPTIONS)
    op.create_index('ix_jobs_finished', 'jobs', ['finished_at'])
    op.create_index('ix_jobs_live', 'jobs', ['outcome', 'topic', 'created_at', 'id'])
    op.create_index('ix_jobs_owner', 'jobs', ['owner'])
    op.create_index('ix_jobs_resource', 'jobs', ['resource_id'])
    op.create_table(
        'messages',
        sa.Column('id', _ascii(36), nullable=False),
        sa.Column('project_id', _ascii(64), nullable=False),
        sa.Column('request_id', _ascii(64)),
        sa.Column('resource_type', _ascii(36)),
        sa.Column('resource_id', _ascii(36)),
        sa.Column('event_id', _ascii(64), nullable=False),
        sa.Column('message_level', _ascii(36), nullable=False),
        sa.Column('user_message', _text(1024), nullable=False),
        sa.Column('guaranteed_until', _time()),
        sa.Column('created_at', _time(), nullable=False),
        sa.Column('updated_at', _time()),
        sa.PrimaryKeyConstraint('id', name='pk_messages'),
        **_OPTIONS)
    op.create_index('ix_messages_expiry', 'messages', ['guaranteed_until'])
    op.create_index('ix_messages_project_created', 'messages', ['project_id', 'created_at', 'id'])
    op.create_index('ix_messages_resource', 'messages', ['resource_id'])
    op.create_table(
        'pools',
        sa.Column('name', _ascii(255), nullable=False),
        sa.Column('backend', _ascii(255), nullable=False),
        sa.Column('claimed', sa.BigInteger(), nullable=False),
        sa.Column('claimed_at_report', sa.BigInteger(), nullable=False),
        sa.Column('bound', sa.BigInteger()),
        sa.Column('foreign', sa.BigInteger(), nullable=False),
        sa.Column('report', sa.JSON(), nullable=False),
        sa.Column('sequence', sa.BigInteger(), nullable=False),
        sa.Column('changed_at', _time(), nullable=False),
        sa.PrimaryKeyConstraint('name', name='pk_pools'),
        **_OPTIONS)
    op.create_index('ix_pools_backend', 'pools', ['backend'])
    op.create_index('ix_pools_changed', 'pools', ['changed_at'])
    op.create_table(
        'quota_classes',
        sa.Column('class_name', _text(255), nullable=False),
        sa.Column('resource', _text(255), nullable=False),
        sa.Column('hard_limit', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('class_name', 'resource', name='pk_quota_classes'),
        **_OPTIONS)
    op.create_table(
        'quota_usages',
        sa.Column('project_id', _ascii(64), nullable=False),
        sa.Column('resource', _text(255), nullable=False),
        sa.Column('in_use', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('project_id', 'resource', name='pk_quota_usages'),
        **_OPTIONS)
    op.create_table(
        'quotas',
        sa.Column('project_id', _ascii(64), nullable=False),
        sa.Column('resource', _text(255), nullable=False),
        sa.Column('hard_limit', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('project_id', 'resource', name='pk_quotas'),
        **_OPTIONS)
    op.create_table(
        'services',
        sa.Column('id', _ascii(36), nullable=False),
        sa.Column('binary', _ascii(64), nullable=False),
        sa.Column('host', _ascii(255), nullable=False),
        sa.Column('availability_zone', _text(255)),
        sa.Column('disabled', sa.Boolean(), nullable=False),
        sa.Column('disabled_reason', _text(255)),
        sa.Column('frozen', sa.Boolean(), nullable=False),
        sa.Column('replication_status', _ascii(36)),
        sa.Column('active_backend_id', _text(255)),
        sa.Column('cluster_name', _ascii(255)),
        sa.Column('created_at', _time(), nullable=False),
        sa.Column('updated_at', _time()),
        sa.PrimaryKeyConstraint('id', name='pk_services'),
        sa.UniqueConstraint('binary', 'host', name='uq_services_binary_host'),
        **_OPTIONS)
    op.create_table(
        'volume_types',
        sa.Column('id', _ascii(36), nullable=False),
        sa.Column('name', _text(255), nullable=False),
        sa.Column('description', _text(255)),
        sa.Column('is_public', sa.Boolean(), nullable=False),
        sa.Column('qos_specs_id', _ascii(36)),
        sa.Column('created_at', _time(), nullable=False),
        sa.Column('updated_at', _time()),
        sa.PrimaryKeyConstraint('id', name='pk_volume_types'),
        sa.UniqueConstraint('name', name='uq_volume_types_name'),
        **_OPTIONS)
    op.create_table(
        'holds',
        sa.Column('resource_id', _ascii(36), nullable=False),
        sa.Column('job_id', _ascii(36), nullable=False),
        sa.ForeignKeyConstraint(['job_id'], ['jobs.id'],
                                name='fk_holds_job_id', ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('resource_id', 'job_id', name='pk_holds'),
        **_OPTIONS)
    op.create_index('ix_holds_job', 'holds', ['job_id'])
    op.create_table(
        'processes',
        sa.Column('incarnation', _ascii(36), nullable=False),
        sa.Column('service_id', _ascii(36), nullable=False),
        sa.Column('machine', _ascii(64), nullable=False),
        sa.Column('boot', _ascii(64), nullable=False),
        sa.Column('pid', sa.Integer(), nullable=False),
        sa.Column('started', sa.BigInteger(), nullable=False),
        sa.Column('version', _ascii(36), nullable=False),
        sa.Column('beat_at', _time(), nullable=False),
        sa.Column('created_at', _time(), nullable=False),
        sa.ForeignKeyConstraint(['service_id'], ['services.id'],
                                name='fk_processes_service_id', ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('incarnation', 'service_id', name='pk_processes'),
        **_OPTIONS)
    op.create_index('ix_processes_service_beat', 'processes', ['service_id', 'beat_at'])
    op.create_table(
        'volume_type_extra_specs',
        sa.Column('volume_type_id', _ascii(36), nullable=False),
        sa.Column('key', _text(255), nullable=False),
        sa.Column('value', _text(4096)),
        sa.ForeignKeyConstraint(['volume_type_id'], ['volume_types.id'],
                                name='fk_volume_type_extra_specs_volume_type_id', ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('volume_type_id', 'key', name='pk_volume_type_extra_specs'),
        **_OPTIONS)
    op.create_table(
        'volume_type_projects',
        sa.Column('volume_type_id', _ascii(36), nullable=False),
        sa.Column('project_id', _ascii(64), nullable=False),
        sa.ForeignKeyConstraint(['volume_type_id'], ['volume_types.id'],
                                name='fk_volume_type_projects_volume_type_id', ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('volume_type_id', 'project_id', name='pk_volume_type_projects'),
        **_OPTIONS)
    op.create_table(
        'volumes',
        sa.Column('id', _ascii(36), nullable=False),
        sa.Column('project_id', _ascii(64), nullable=False),
        sa.Column('user_id', _ascii(64)),
        sa.Column('name', _text(255)),
        sa.Column('description', _text(255)),
        sa.Column('size', sa.Integer(), nullable=False),
        sa.Column('status', _ascii(36), nullable=False),
        sa.Column('previous_status', _ascii(36)),
        sa.Column('attach_status', _ascii(36), server_default='detached', nullable=False),
        sa.Column('migration_status', _ascii(36)),
        sa.Column('replication_status', _ascii(36)),
        sa.Column('host', _ascii(255)),
        sa.Column('cluster_name', _ascii(255)),
        sa.Column('availability_zone', _text(255)),
        sa.Column('volume_type_id', _ascii(36)),
        sa.Column('bootable', sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column('multiattach', sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column('use_quota', sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column('shared_targets', sa.Boolean()),
        sa.Column('service_uuid', _ascii(36)),
        sa.Column('encryption_key_id', _ascii(36)),
        sa.Column('snapshot_id', _ascii(36)),
        sa.Column('source_volid', _ascii(36)),
        sa.Column('group_id', _ascii(36)),
        sa.Column('provider_id', _text(255)),
        sa.Column('provider_location', _text(1024)),
        sa.Column('launched_at', _time()),
        sa.Column('created_at', _time(), nullable=False),
        sa.Column('updated_at', _time()),
        sa.ForeignKeyConstraint(['volume_type_id'], ['volume_types.id'],
                                name='fk_volumes_volume_type_id'),
        sa.PrimaryKeyConstraint('id', name='pk_volumes'),
        **_OPTIONS)
    op.create_index('ix_volumes_created', 'volumes', ['created_at', 'id'])
    op.create_index('ix_volumes_host_status', 'volumes', ['host', 'status'])
    op.create_index('ix_volumes_project_created', 'volumes', ['project_id', 'created_at', 'id'])
    op.create_index('ix_volumes_type', 'volumes', ['volume_type_id'])
    op.create_table(
        'volume_admin_metadata',
        sa.Column('volume_id', _ascii(36), nullable=False),
        sa.Column('key', _text(255), nullable=False),
        sa.Column('value', _text(4096)),
        sa.ForeignKeyConstraint(['volume_id'], ['volumes.id'],
                                name='fk_volume_admin_metadata_volume_id', ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('volume_id', 'key', name='pk_volume_admin_metadata'),
        **_OPTIONS)
    op.create_table(
        'volume_image_metadata',
        sa.Column('volume_id', _ascii(36), nullable=False),
        sa.Column('key', _text(255), nullable=False),
        sa.Column('value', _text(4096)),
        sa.ForeignKeyConstraint(['volume_id'], ['volumes.id'],
                                name='fk_volume_image_metadata_volume_id', ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('volume_id', 'key', name='pk_volume_image_metadata'),
        **_OPTIONS)
    op.create_table(
        'volume_metadata',
        sa.Column('volume_id', _ascii(36), nullable=False),
        sa.Column('key', _text(255), nullable=False),
        sa.Column('value', _text(4096)),
        sa.ForeignKeyConstraint(['volume_id'], ['volumes.id'],
                                name='fk_volume_metadata_volume_id', ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('volume_id', 'key', name='pk_volume_metadata'),
        **_OPTIONS)

# SPDX-License-Identifier: Apache-2.0
"""Every table, as data. A volume is defined once: here.

There is no second form of a row: queries return SQLAlchemy Core rows, whose attributes are these columns
(doc/adr/0002).  Each table's queries are in the module of its noun (volumes.py, jobs.py, ...).

Changing a column means a migration that only adds (db/migrations); tests/unit/db compares the two.
"""

import sqlalchemy as sa

from blockctl.db.columns import ascii_type
from blockctl.db.columns import name_type
from blockctl.db.columns import time_type
from blockctl.db.columns import uuid_type

metadata = sa.MetaData(naming_convention={
    'ix': 'ix_%(table_name)s_%(column_0_N_name)s', 'uq': 'uq_%(table_name)s_%(column_0_N_name)s',
    'fk': 'fk_%(table_name)s_%(column_0_N_name)s', 'pk': 'pk_%(table_name)s'})

_OPTIONS = {'mysql_engine': 'InnoDB', 'mysql_charset': 'utf8mb4', 'mysql_collate': 'utf8mb4_bin'}

HOST = 255  # host@backend#pool


def _table(name, *columns):
    return sa.Table(name, metadata, *columns, **_OPTIONS)


def _id(name='id', **kw):
    return sa.Column(name, uuid_type(), **kw)


def _project(**kw):
    # Keystone's ids are 32 hexadecimal characters, but other identity services give others.
    return sa.Column('project_id', ascii_type(64), **kw)


def _stamps():
    return (sa.Column('created_at', time_type(), nullable=False), sa.Column('updated_at', time_type()))


def _pairs(name, owner, key='key'):
    """A table of key-value pairs that belong to one row of another table and go with it."""
    parent, column = owner
    return _table(
        name,
        _id(column, nullable=False, primary_key=True), sa.Column(key, name_type(), primary_key=True),
        sa.Column('value', name_type(4096)),
        sa.ForeignKeyConstraint([column], [f'{parent}.id'], ondelete='CASCADE'))


# --- types
volume_types = _table(
    'volume_types',
    _id(primary_key=True),
    sa.Column('name', name_type(), nullable=False, unique=True),
    sa.Column('description', name_type()),
    sa.Column('is_public', sa.Boolean(), nullable=False),
    _id('qos_specs_id'),
    *_stamps())

volume_type_extra_specs = _pairs('volume_type_extra_specs', ('volume_types', 'volume_type_id'))

volume_type_projects = _table(
    'volume_type_projects',
    _id('volume_type_id', primary_key=True), _project(primary_key=True),
    sa.ForeignKeyConstraint(['volume_type_id'], ['volume_types.id'], ondelete='CASCADE'))

volume_type_encryptions = _table(
    'volume_type_encryptions',
    _id('volume_type_id', primary_key=True),
    _id('encryption_id', nullable=False, unique=True),
    sa.Column('provider', name_type(), nullable=False),
    sa.Column('cipher', name_type()),
    sa.Column('key_size', sa.Integer()),  # bits
    sa.Column('control_location', ascii_type(36), nullable=False),  # front-end, back-end
    *_stamps(),
    sa.ForeignKeyConstraint(['volume_type_id'], ['volume_types.id'], ondelete='CASCADE'))

# The type of a project's volumes whose request names none.
default_volume_types = _table(
    'default_volume_types',
    _project(primary_key=True), _id('volume_type_id', nullable=False),
    *_stamps(),
    sa.ForeignKeyConstraint(['volume_type_id'], ['volume_types.id']),
    sa.Index('ix_default_volume_types_type', 'volume_type_id'))

qos_specs = _table(
    'qos_specs',
    _id(primary_key=True),
    sa.Column('name', name_type(), nullable=False, unique=True),
    sa.Column('consumer', ascii_type(36), nullable=False),  # front-end, back-end, both
    *_stamps())

qos_spec_values = _pairs('qos_spec_values', ('qos_specs', 'qos_specs_id'))

# --- volumes
volumes = _table(
    'volumes',
    _id(primary_key=True),
    _project(nullable=False),
    sa.Column('user_id', ascii_type(64)),
    sa.Column('name', name_type()),
    sa.Column('description', name_type()),
    sa.Column('size', sa.Integer(), nullable=False),  # GiB
    sa.Column('status', ascii_type(36), nullable=False),
    sa.Column('previous_status', ascii_type(36)),
    sa.Column('attach_status', ascii_type(36), nullable=False, server_default='detached'),
    sa.Column('migration_status', ascii_type(36)),
    sa.Column('replication_status', ascii_type(36)),
    # host@backend#pool once a pool is claimed. Claims are summed over it, so it changes only with db.pools.
    sa.Column('host', ascii_type(HOST)),
    sa.Column('cluster_name', ascii_type(HOST)),
    sa.Column('availability_zone', name_type()),
    sa.Column('volume_type_id', uuid_type(), sa.ForeignKey('volume_types.id')),
    sa.Column('bootable', sa.Boolean(), nullable=False, server_default=sa.false()),
    sa.Column('multiattach', sa.Boolean(), nullable=False, server_default=sa.false()),
    sa.Column('use_quota', sa.Boolean(), nullable=False, server_default=sa.true()),
    sa.Column('shared_targets', sa.Boolean()),
    sa.Column('service_uuid', uuid_type()),
    sa.Column('encryption_key_id', uuid_type()),
    sa.Column('snapshot_id', uuid_type()),
    sa.Column('source_volid', uuid_type()),
    sa.Column('group_id', uuid_type()),
    sa.Column('provider_id', name_type()),
    sa.Column('provider_location', name_type(1024)),
    # GiB beyond ``size`` that a change under way has been promised: they count as used and as claimed.
    sa.Column('growth', sa.Integer(), nullable=False, server_default='0'),
    # The id in its name on the backend, where that is not its own: it came there by a migration in use.
    sa.Column('name_id', uuid_type()),
    sa.Column('launched_at', time_type()),
    *_stamps(),
    # Lists are read per project in order of creation; services ask by host; types refuse to go while in use.
    sa.Index('ix_volumes_project_created', 'project_id', 'created_at', 'id'),
    sa.Index('ix_volumes_created', 'created_at', 'id'),
    sa.Index('ix_volumes_host_status', 'host', 'status'),
    sa.Index('ix_volumes_type', 'volume_type_id'),
    sa.Index('ix_volumes_group', 'group_id'))

volume_metadata = _pairs('volume_metadata', ('volumes', 'volume_id'))
volume_admin_metadata = _pairs('volume_admin_metadata', ('volumes', 'volume_id'))
volume_image_metadata = _pairs('volume_image_metadata', ('volumes', 'volume_id'))

# A second place of a volume, which a move to another pool made or left behind: claims count it like its own.
# It has an id of its own, by which the job that clears it away is known: the volume need not wait for that.
volume_moves = _table(
    'volume_moves',
    _id(primary_key=True),
    _id('volume_id', nullable=False),
    sa.Column('host', ascii_type(HOST), nullable=False),  # host@backend#pool
    sa.Column('size', sa.Integer(), nullable=False),  # GiB
    # What is being cleared away of a volume must not be mistaken for what comes anew.
    sa.UniqueConstraint('volume_id', 'host', name='uq_volume_moves_volume_host'),
    sa.Index('ix_volume_moves_host', 'host'))

# An offer of a volume to whoever has the key, of which only a salted hash is kept.
transfers = _table(
    'transfers',
    _id(primary_key=True),
    sa.Column('volume_id', uuid_type(), sa.ForeignKey('volumes.id', ondelete='CASCADE'), nullable=False, unique=True),
    _project(nullable=False),  # that offers it
    sa.Column('name', name_type()),
    sa.Column('salt', ascii_type(64), nullable=False),
    sa.Column('key_hash', ascii_type(255), nullable=False),
    sa.Column('with_snapshots', sa.Boolean(), nullable=False),
    *_stamps(),
    sa.Index('ix_transfers_project_created', 'project_id', 'created_at', 'id'),
    sa.Index('ix_transfers_created', 'created_at', 'id'))

# --- snapshots
snapshots = _table(
    'snapshots',
    _id(primary_key=True),
    _project(nullable=False),
    sa.Column('user_id', ascii_type(64)),
    sa.Column('volume_id', uuid_type(), sa.ForeignKey('volumes.id'), nullable=False),
    sa.Column('name', name_type()),
    sa.Column('description', name_type()),
    sa.Column('volume_size', sa.Integer(), nullable=False),  # GiB, of the volume when it was taken
    sa.Column('status', ascii_type(36), nullable=False),
    sa.Column('progress', ascii_type(8)),  # '100%', as some backends are told to report it
    sa.Column('use_quota', sa.Boolean(), nullable=False, server_default=sa.true()),
    _id('volume_type_id'),
    _id('group_snapshot_id'),
    _id('encryption_key_id'),
    sa.Column('provider_id', name_type()),
    sa.Column('provider_location', name_type(1024)),
    *_stamps(),
    sa.Index('ix_snapshots_project_created', 'project_id', 'created_at', 'id'),
    sa.Index('ix_snapshots_created', 'created_at', 'id'),
    sa.Index('ix_snapshots_volume', 'volume_id', 'created_at'),
    sa.Index('ix_snapshots_group_snapshot', 'group_snapshot_id'))

snapshot_metadata = _pairs('snapshot_metadata', ('snapshots', 'snapshot_id'))

# --- attachments
attachments = _table(
    'attachments',
    _id(primary_key=True),
    sa.Column('volume_id', uuid_type(), sa.ForeignKey('volumes.id'), nullable=False),
    _project(nullable=False),  # of the volume
    sa.Column('instance_id', uuid_type()),
    sa.Column('attached_host', name_type()),
    sa.Column('mountpoint', name_type()),
    sa.Column('attach_mode', ascii_type(36)),  # rw, ro
    sa.Column('attach_status', ascii_type(36), nullable=False),
    sa.Column('connector', sa.JSON()),
    sa.Column('connection_info', sa.JSON(none_as_null=True)),
    # The backend was changed for this connection: whoever removes the attachment has that taken back.
    sa.Column('exported', sa.Boolean(), nullable=False, server_default=sa.false()),
    sa.Column('attach_time', time_type()),
    sa.Column('detach_time', time_type()),
    *_stamps(),
    sa.Index('ix_attachments_volume', 'volume_id'),
    sa.Index('ix_attachments_project_created', 'project_id', 'created_at', 'id'),
    sa.Index('ix_attachments_created', 'created_at', 'id'))

# What a job found out for the request that waits for it (how a host reaches a volume). Its reader removes it; it is no
# part of the job, whose row is kept for a while: it may hold a secret.
answers = _table(
    'answers',
    _id('job_id', primary_key=True),
    sa.Column('answer', sa.JSON(), nullable=False),
    sa.Column('created_at', time_type(), nullable=False),
    sa.ForeignKeyConstraint(['job_id'], ['jobs.id'], ondelete='CASCADE'),
    sa.Index('ix_answers_created', 'created_at'))

# --- groups
group_types = _table(
    'group_types',
    _id(primary_key=True),
    sa.Column('name', name_type(), nullable=False, unique=True),
    sa.Column('description', name_type()),
    sa.Column('is_public', sa.Boolean(), nullable=False),
    *_stamps())

group_type_specs = _pairs('group_type_specs', ('group_types', 'group_type_id'))

groups = _table(
    'groups',
    _id(primary_key=True),
    _project(nullable=False),
    sa.Column('user_id', ascii_type(64)),
    sa.Column('name', name_type()),
    sa.Column('description', name_type()),
    sa.Column('group_type_id', uuid_type(), sa.ForeignKey('group_types.id')),
    sa.Column('status', ascii_type(36), nullable=False),
    sa.Column('host', ascii_type(HOST)),
    sa.Column('availability_zone', name_type()),
    sa.Column('replication_status', ascii_type(36)),
    _id('group_snapshot_id'),
    _id('source_group_id'),
    *_stamps(),
    sa.Index('ix_groups_project_created', 'project_id', 'created_at', 'id'),
    sa.Index('ix_groups_created', 'created_at', 'id'),
    sa.Index('ix_groups_type', 'group_type_id'))

group_volume_types = _table(
    'group_volume_types',
    _id('group_id', primary_key=True), _id('volume_type_id', primary_key=True),
    sa.ForeignKeyConstraint(['group_id'], ['groups.id'], ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['volume_type_id'], ['volume_types.id']),
    sa.Index('ix_group_volume_types_type', 'volume_type_id'))

group_snapshots = _table(
    'group_snapshots',
    _id(primary_key=True),
    _project(nullable=False),
    sa.Column('user_id', ascii_type(64)),
    sa.Column('group_id', uuid_type(), sa.ForeignKey('groups.id'), nullable=False),
    sa.Column('name', name_type()),
    sa.Column('description', name_type()),
    sa.Column('group_type_id', uuid_type(), sa.ForeignKey('group_types.id')),
    sa.Column('status', ascii_type(36), nullable=False),
    *_stamps(),
    sa.Index('ix_group_snapshots_project_created', 'project_id', 'created_at', 'id'),
    sa.Index('ix_group_snapshots_created', 'created_at', 'id'),
    sa.Index('ix_group_snapshots_group', 'group_id'))

# --- quota
quota_usages = _table(
    'quota_usages',
    _project(primary_key=True), sa.Column('resource', name_type(), primary_key=True),
    sa.Column('in_use', sa.BigInteger(), nullable=False))

quotas = _table(
    'quotas',
    _project(primary_key=True), sa.Column('resource', name_type(), primary_key=True),
    sa.Column('hard_limit', sa.BigInteger(), nullable=False))

quota_classes = _table(
    'quota_classes',
    sa.Column('class_name', name_type(), primary_key=True), sa.Column('resource', name_type(), primary_key=True),
    sa.Column('hard_limit', sa.BigInteger(), nullable=False))

# --- work
jobs = _table(
    'jobs',
    _id(primary_key=True),
    sa.Column('kind', ascii_type(64), nullable=False),
    sa.Column('resource_id', uuid_type(), nullable=False),
    # The resource's id while the job is live, NULL after: one live job per resource, kept by the database.
    sa.Column('live_key', uuid_type(), unique=True),
    sa.Column('topic', ascii_type(HOST), nullable=False),  # 'scheduler', or host@backend
    sa.Column('payload', sa.JSON(), nullable=False),
    sa.Column('needs', sa.Integer(), nullable=False),
    sa.Column('epoch', sa.Integer(), nullable=False),
    sa.Column('direction', ascii_type(8), nullable=False),  # do, undo
    sa.Column('step', ascii_type(64)),
    sa.Column('progress', sa.Float()),
    # who has it, until when, and what fence() needs to cut that worker off
    sa.Column('owner', uuid_type()),
    sa.Column('lease_until', time_type()),
    sa.Column('identity', name_type()),
    # [identity, ...] of former owners that still have to be fenced before this job may touch the backend
    sa.Column('to_fence', sa.JSON(), nullable=False),
    sa.Column('started_at', time_type()),  # first claim on this topic; NULL: nothing can be on the backend
    sa.Column('not_before', time_type()),
    sa.Column('tries', sa.Integer(), nullable=False),  # put back because the backend was away, since it last moved
    sa.Column('failing_since', time_type()),
    sa.Column('takeovers', sa.Integer(), nullable=False),
    sa.Column('reschedules', sa.Integer(), nullable=False),
    sa.Column('excluded', sa.JSON(), nullable=False),  # [host@backend#pool, ...]
    sa.Column('request_id', ascii_type(64)),
    sa.Column('global_request_id', ascii_type(64)),
    sa.Column('user_id', ascii_type(64)),
    _project(),
    sa.Column('roles', sa.JSON(), nullable=False),
    sa.Column('outcome', ascii_type(36)),  # NULL while live
    sa.Column('finished_at', time_type()),
    *_stamps(),
    # Sweeps ask for the live jobs of a topic, oldest first; a day's finished ones must cost them nothing.
    sa.Index('ix_jobs_live', 'outcome', 'topic', 'created_at', 'id'),
    sa.Index('ix_jobs_owner', 'owner'),
    sa.Index('ix_jobs_resource', 'resource_id'),
    sa.Index('ix_jobs_finished', 'finished_at'))

holds = _table(
    'holds',
    _id('resource_id', primary_key=True),
    sa.Column('job_id', uuid_type(), sa.ForeignKey('jobs.id', ondelete='CASCADE'), primary_key=True),
    sa.Index('ix_holds_job', 'job_id'))

# --- who runs
services = _table(
    'services',
    _id(primary_key=True),
    sa.Column('binary', ascii_type(64), nullable=False),
    sa.Column('host', ascii_type(HOST), nullable=False),  # host, or host@backend
    sa.Column('availability_zone', name_type()),
    sa.Column('disabled', sa.Boolean(), nullable=False),
    sa.Column('disabled_reason', name_type()),
    sa.Column('frozen', sa.Boolean(), nullable=False),
    sa.Column('replication_status', ascii_type(36)),
    sa.Column('active_backend_id', name_type()),
    sa.Column('cluster_name', ascii_type(HOST)),
    *_stamps(),
    sa.UniqueConstraint('binary', 'host', name='uq_services_binary_host'))

# A name that several services of one backend section share; what is set on it holds for all of them.
clusters = _table(
    'clusters',
    _id(primary_key=True),
    sa.Column('binary', ascii_type(64), nullable=False),
    sa.Column('name', ascii_type(HOST), nullable=False),  # cluster, or cluster@backend
    sa.Column('disabled', sa.Boolean(), nullable=False),
    sa.Column('disabled_reason', name_type()),
    sa.Column('frozen', sa.Boolean(), nullable=False),
    sa.Column('replication_status', ascii_type(36)),
    sa.Column('active_backend_id', name_type()),
    *_stamps(),
    sa.UniqueConstraint('binary', 'name', name='uq_clusters_binary_name'))

processes = _table(
    'processes',
    # One row per exec and service: an incarnation runs one service of each backend.
    _id('incarnation', primary_key=True),
    sa.Column('service_id', uuid_type(), sa.ForeignKey('services.id', ondelete='CASCADE'), primary_key=True),
    sa.Column('machine', ascii_type(64), nullable=False),  # machine id
    # boot id, pid and start time tell a dead process from a slow one
    sa.Column('boot', ascii_type(64), nullable=False),
    sa.Column('pid', sa.Integer(), nullable=False),
    sa.Column('started', sa.BigInteger(), nullable=False),  # clock ticks since boot, /proc/PID/stat field 22
    sa.Column('version', ascii_type(36), nullable=False),
    sa.Column('beat_at', time_type(), nullable=False),
    sa.Column('created_at', time_type(), nullable=False),
    sa.Index('ix_processes_service_beat', 'service_id', 'beat_at'))

pools = _table(
    'pools',
    sa.Column('name', ascii_type(HOST), primary_key=True),  # host@backend#pool
    sa.Column('backend', ascii_type(HOST), nullable=False),  # host@backend
    # GiB promised to the rows that name the pool: kept with them in one transaction, and bounded in the statement.
    sa.Column('claimed', sa.BigInteger(), nullable=False),
    # What was claimed when the report began; what came since is not yet in its physical free space.
    sa.Column('claimed_at_report', sa.BigInteger(), nullable=False),
    # What claimed + foreign may not pass: total x ratio x (1 - reserved); NULL: the backend cannot say.
    sa.Column('bound', sa.BigInteger()),
    sa.Column('foreign', sa.BigInteger(), nullable=False),
    sa.Column('report', sa.JSON(), nullable=False),  # what get_pools shows and filters read
    sa.Column('sequence', sa.BigInteger(), nullable=False),  # database microseconds when the report began
    sa.Column('changed_at', time_type(), nullable=False),  # schedulers re-read by it
    sa.Index('ix_pools_backend', 'backend'),
    sa.Index('ix_pools_changed', 'changed_at'))

# --- what is told
messages = _table(
    'messages',
    _id(primary_key=True),
    _project(nullable=False),
    sa.Column('request_id', ascii_type(64)),
    sa.Column('resource_type', ascii_type(36)),
    sa.Column('resource_id', uuid_type()),
    sa.Column('event_id', ascii_type(64), nullable=False),
    sa.Column('message_level', ascii_type(36), nullable=False),
    sa.Column('user_message', name_type(1024), nullable=False),
    sa.Column('guaranteed_until', time_type()),
    *_stamps(),
    sa.Index('ix_messages_project_created', 'project_id', 'created_at', 'id'),
    sa.Index('ix_messages_resource', 'resource_id'),
    sa.Index('ix_messages_expiry', 'guaranteed_until'))

history = _table(
    'history',
    sa.Column('number', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), primary_key=True, autoincrement=True),
    sa.Column('resource_type', ascii_type(36), nullable=False),
    _id('resource_id', nullable=False),
    _project(nullable=False),
    sa.Column('size', sa.Integer()),
    _id('volume_type_id'),
    sa.Column('host', ascii_type(HOST)),
    sa.Column('created_at', time_type(), nullable=False),
    sa.Column('deleted_at', time_type(), nullable=False),
    sa.Index('ix_history_resource', 'resource_id'),
    sa.Index('ix_history_deleted', 'deleted_at'))

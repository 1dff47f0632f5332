# SPDX-License-Identifier: Apache-2.0
"""What every process is told: who it is, where its state and its database are."""

import socket

from oslo_config import cfg

OPTIONS = (
    cfg.HostAddressOpt('my_ip', default='127.0.0.1', help='Address of this machine that others reach it by.'),
    cfg.StrOpt('host', default=socket.gethostname(), sample_default='the name of the machine',
               help='Name of this service in the database; its backends are host@backend. Every process that serves '
                    'a backend must have the same.'),
    cfg.StrOpt('cluster',
               help='Name that several volume services with names of their own share for the backends they serve '
                    'together: pools, volumes and jobs are then those of cluster@backend, and any of the services '
                    'works on them. Unset: host names them.'),
    cfg.StrOpt('state_path', default='/var/lib/blockctl', help='Directory for what a service keeps on disk.'),
    cfg.StrOpt('storage_availability_zone', default='nova', help='Availability zone of this service.'),
    cfg.ListOpt('enabled_backends', default=[],
                help='Sections of this file, one for each backend that blockctl-volume serves.'),
    cfg.IntOpt('report_interval', default=10, min=1, help='Seconds between the beats of a process.'),
    cfg.IntOpt('service_down_time', default=60, min=2,
               help='A service none of whose processes has beaten for so many seconds counts as down.'),
    cfg.IntOpt('backend_stats_polling_interval', default=60, min=1,
               help='Seconds between two looks at the capacity of a backend.'),
    cfg.IntOpt('graceful_shutdown_timeout', default=60, min=0,
               help='Seconds a stopping service gives to the work it has in hand.'),
    cfg.StrOpt('volume_name_template', default='volume-%s', help='Name of a volume on its backend.'),
    cfg.StrOpt('snapshot_name_template', default='snapshot-%s', help='Name of a snapshot on its backend.'),
    cfg.StrOpt('volume_usage_audit_period', default='month', regex=r'^(hour|day|month|year)(@\d+)?$',
               help='Period of blockctl-volume-usage-audit: hour, day, month or year; with @ and a number where it '
                    'begins, as in month@15: minute of the hour, hour of the day, day of the month (1 to 28), month of '
                    'the year.'),
    cfg.IntOpt('message_ttl', default=2592000, min=60, help='Seconds a user message is kept.'),
)

DATABASE = (
    cfg.StrOpt('connection', default='sqlite:///$state_path/blockctl.sqlite', secret=True,
               help='SQLAlchemy URL of the database: mysql+pymysql://, postgresql+psycopg2:// or sqlite:///.'),
    # Making a connection costs more than a whole create's statements, so what is used at the same time is kept.
    cfg.IntOpt('max_pool_size', default=25, min=1, help='Connections a process keeps open, at most.'),
    cfg.IntOpt('max_overflow', default=25, min=0, help='Connections it may open beyond those for a while.'),
    cfg.IntOpt('connection_recycle_time', default=3600, help='Seconds after which a connection is made anew.'),
)

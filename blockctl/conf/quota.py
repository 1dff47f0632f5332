# SPDX-License-Identifier: Apache-2.0
"""Default quota of a project; -1 is unlimited."""

from oslo_config import cfg

OPTIONS = (
    *(cfg.IntOpt(f'quota_{name}', default=default, min=-1, help=f'{what} a project may have.')
      for name, default, what in (
          ('volumes', 10, 'Volumes'), ('snapshots', 10, 'Snapshots'),
          ('gigabytes', 1000, 'GiB of volumes and snapshots'),
          ('backups', 10, 'Backups'), ('backup_gigabytes', 1000, 'GiB of backups'), ('groups', 10, 'Groups'))),
    cfg.BoolOpt('no_snapshot_gb_quota', default=False, help='Whether snapshots count without their GiB.'),
    cfg.IntOpt('per_volume_size_limit', default=-1, min=-1, help='Largest size of one volume, GiB.'),
    cfg.BoolOpt('use_default_quota_class', default=True,
                help='Whether the limits of the quota class "default" hold for projects without limits of their own.'),
)

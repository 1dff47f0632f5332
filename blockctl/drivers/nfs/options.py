# SPDX-License-Identifier: Apache-2.0
"""Options of the driver ``nfs``; names and defaults are those operators know."""

from oslo_config import cfg

OPTIONS = (
    cfg.StrOpt('nfs_shares_config', default='/etc/blockctl/nfs_shares',
               help='File that lists the shares of this backend, one in a line, as HOST:/PATH or HOST:/PATH -o '
                    'OPTIONS. Each is a pool of that name. Not read where nas_host is set.'),
    cfg.StrOpt('nas_host', default='',
               help='Name or address of the server of the only share. Its pool is called like the backend.'),
    cfg.StrOpt('nas_share_path', default='', help='Path of the share of nas_host, such as /export/volumes.'),
    cfg.StrOpt('nas_mount_options', help='Options to mount the share of nas_host with, here and on hosts.'),
    cfg.StrOpt('nfs_mount_point_base', default='$state_path/mnt',
               help='Directory below which shares are mounted, each in one of its own; absolute. A share that is '
                    'mounted there already is taken as it is.'),
    cfg.StrOpt('nfs_mount_options',
               help='Options to mount shares with on this machine, besides those of the share, and before them softerr '
                    'with a time that fits backend_call_timeout: hard, say, takes that back.'),
    cfg.IntOpt('nfs_mount_attempts', default=3, min=1,
               help='How often mounting a share is tried when the service starts.'),
    cfg.BoolOpt('nfs_qcow2_volumes', default=False,
                help='Make volumes as qcow2 files; else they are raw. A volume stays what it is when this is changed.'),
    cfg.BoolOpt('nfs_sparsed_volumes', default=True,
                help='Give raw files room as they are written; else they get all of it at once.'),
    cfg.BoolOpt('nfs_snapshot_support', default=False, help='Allow snapshots: of volumes that no host has.'),
    cfg.StrOpt('nas_secure_file_operations', default='auto', ignore_case=True, choices=[
        ('auto', 'as true'), ('true', "with this service's own"), ('false', 'as root: refused')],
        help='With whose rights files are made and changed.'),
    cfg.StrOpt('nas_secure_file_permissions', default='auto', ignore_case=True, choices=[
        ('auto', 'as true'), ('true', 'for owner and group'), ('false', 'for everybody who can reach the share')],
        help='Who may read and write the files of volumes.'),
)

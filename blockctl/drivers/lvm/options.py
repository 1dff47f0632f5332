# SPDX-License-Identifier: Apache-2.0
"""Options of the driver ``lvm``; names and defaults are those operators know."""

from oslo_config import cfg

OPTIONS = (
    cfg.StrOpt('volume_group', default='cinder-volumes', regex=r'^[A-Za-z0-9_.+][A-Za-z0-9_.+-]*$',
               help='LVM volume group that holds the volumes of this backend. It must exist.'),
    cfg.StrOpt('lvm_type', default='auto', choices=[
        ('default', 'thick: each volume takes all of its room at once'),
        ('thin', 'volumes of a thin pool, which is made when it is absent'),
        ('auto', 'thin where there is the thin pool or nothing yet, else thick')],
        help='How room is given to volumes.'),
    cfg.IntOpt('lvm_mirrors', default=0, min=0,
               help='Further copies of each thick volume, on other physical volumes of the group.'),
    cfg.StrOpt('lvm_conf_file', default='/etc/blockctl/lvm.conf',
               help="File named lvm.conf that holds LVM's own configuration for this service; the machine's is used "
                    'where it does not exist.'),
    cfg.BoolOpt('lvm_suppress_fd_warnings', default=False, help='Keep LVM from warning of open file descriptors.'),
    cfg.StrOpt('lvm_lock_directory', default='$state_path/locks',
               help='Directory of the locks by which the processes of this machine take turns; absolute. It is made '
                    'when it is absent.'),
    cfg.ListOpt('storage_command_prefix', default=[],
                help='Words to put before each storage command, such as a program that enters the container or machine '
                     'which has the storage. Unset: commands are run here, as root.'),
    cfg.StrOpt('volume_clear', default='zero', choices=['zero', 'none'],
               help='What is done with the room of a deleted thick volume before another gets it. With none, '
                    "a tenant may read another's data."),
    cfg.IntOpt('volume_clear_size', default=0, min=0,
               help='MiB at the beginning of a deleted thick volume to clear; 0: all of it.'),
    cfg.StrOpt('volume_clear_ionice', regex=r'^(-[cn]\s*\d+\s*)+$',
               help='Options of ionice(1) under which volumes are cleared, such as -c3.'),
    cfg.IntOpt('volume_copy_bps_limit', default=0, min=0,
               help='Bytes per second that copying and clearing of one volume may take; 0: no limit.'),
)

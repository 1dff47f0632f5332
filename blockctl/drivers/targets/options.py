# SPDX-License-Identifier: Apache-2.0
"""Options of what lets hosts reach local storage; names and defaults are those operators know."""

from oslo_config import cfg

OPTIONS = (
    cfg.StrOpt('target_helper', default='lioadm', choices=[
        ('lioadm', "iSCSI by the kernel's LIO (blockctl-rtstool)"),
        ('tgtadm', 'iSCSI by the daemon tgtd (blockctl-tgttool)'),
        ('nvmet', "NVMe-oF by the kernel's nvmet (blockctl-nvmetool)")],
               help='What serves targets on this machine. tgtd is given CHAP secrets as arguments of tgtadm, which all '
                    'users of the machine can see for a moment: where there are others, use lioadm.'),
    cfg.StrOpt('target_protocol', default='iscsi', choices=[
        ('iscsi', 'by lioadm or tgtadm'), ('iser', 'iSCSI over RDMA, by lioadm'),
        ('nvmet_tcp', 'NVMe over TCP, by nvmet')],
        help='How hosts reach a target.'),
    cfg.StrOpt('target_ip_address', default='$my_ip', help='Address of this machine at which targets are served.'),
    cfg.PortOpt('target_port', default=3260, help='Port at which targets are served. NVMe-oF has 4420.'),
    cfg.ListOpt('target_secondary_ip_addresses', default=[],
                help='Further addresses at which each target is served: hosts with multipath use all of them.'),
    cfg.StrOpt('target_prefix', default='iqn.2010-10.org.openstack:',
               help="Beginning of a target's name; the volume's name follows. Of nvmet, iqn becomes nqn."),
    cfg.IntOpt('nvmet_port_id', default=1, min=1, max=65535,
               help='First of the ids that new ports of nvmet get. A port that is there at an address is used.'),
    cfg.IntOpt('nvmet_ns_id', default=10, min=1, max=1024, help="Id of a volume's namespace in its subsystem."),
    cfg.BoolOpt('use_chap_auth', default=False, help='Have hosts log in with a name and a secret (CHAP).'),
    cfg.StrOpt('chap_username', default='', help='Name for CHAP. Unset: made for each volume and host. With tgtadm, '
                                                 'each has its own name, which begins with this.'),
    cfg.StrOpt('chap_password', default='', secret=True,
               help='Secret for CHAP, the same for all volumes. Unset: made for each volume and host.'),
    cfg.IntOpt('chap_password_len', default=12, min=12, max=16, help='Length of secrets that are made.'),
    cfg.StrOpt('target_key_file', default='$state_path/target.key',
               help='File with the key that secrets are made with; it is made when it is absent. Every process of this '
                    'backend needs the same.'),
    cfg.StrOpt('volumes_dir', default='$state_path/volumes',
               help='Directory of files that say what is served, one for each volume, of tgtadm; absolute. It is made '
                    "when it is absent. Include it in tgtd's configuration, so that what starts tgtd serves it again."),
    cfg.StrOpt('iscsi_write_cache', default='on', choices=[
        ('on', 'tgtd keeps what is written in memory until hosts flush it'),
        ('off', 'tgtd writes before it says so')],
               help='Whether disks of tgtadm have a write cache.'),
    cfg.StrOpt('iscsi_target_flags', default='', choices=[
        ('', 'with none'),
        ('direct', 'no data wait in the memory of this machine, and snapshots have all that was written'),
        ('sync', 'writes end when the device has them'),
        ('sync:direct', 'both')],
               help='How tgtd opens devices.'),
)

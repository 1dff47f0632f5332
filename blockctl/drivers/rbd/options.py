# SPDX-License-Identifier: Apache-2.0
"""Options of the driver ``rbd``. Names, meanings and defaults are the reference's, where it has the option.

One default differs: ``rados_connect_timeout`` is 5 and not -1, because here no call may wait for ever.
"""

from oslo_config import cfg

CONNECT_TIMEOUT = 5

OPTIONS = (
    cfg.StrOpt('rbd_pool', default='rbd', help='RADOS pool that holds the volumes.'),
    cfg.StrOpt('rbd_user',
               help='Ceph user, without "client."; unset: admin. It needs "profile rbd" of mon, and of osd for the '
                    'pool.'),
    cfg.StrOpt('rbd_ceph_conf', default='', help="Path of the Ceph configuration; empty: Ceph's usual places."),
    cfg.StrOpt('rbd_cluster_name', default='ceph', help='Name of the Ceph cluster.'),
    cfg.StrOpt('rbd_secret_uuid',
               help="libvirt's secret with the key of rbd_user; unset: the cluster's fsid."),
    cfg.IntOpt('rbd_store_chunk_size', default=4, min=1, max=32,
               help='MiB of each object of a volume; a power of two.'),
    cfg.IntOpt('rados_connect_timeout', default=CONNECT_TIMEOUT, min=-1,
               help=f'Seconds to reach the cluster. -1 and 0, in the reference "for ever", here mean '
                    f'{CONNECT_TIMEOUT}.'),
    cfg.IntOpt('rados_op_timeout', default=30, min=1,
               help='Seconds after which one request to an OSD or monitor counts as not answered. A call that is '
                    'made of several, and undoes its first after its last, may take a few times as long.'),
    cfg.IntOpt('rbd_fence_expire', default=86400, min=60,
               help='Seconds a worker that was cut off stays on the OSD blocklist. Longer than a paused machine may '
                    'sleep: after that, a request it had under way could still go through.'),
    cfg.BoolOpt('rbd_exclusive_cinder_pool', default=True,
                help='Nothing but volumes of this service is in the pool. If false, the sizes of all other images are '
                     'looked up for each report of capacity.'),
    cfg.BoolOpt('report_dynamic_total_capacity', default=True,
                help='The total to report is what is used and free now; if false, the quota of the pool, or the size '
                     'of the cluster.'),
    cfg.BoolOpt('rbd_flatten_volume_from_snapshot', default=False,
                help='Volumes made from snapshots become independent of them.'),
    cfg.IntOpt('rbd_max_clone_depth', default=5, min=0,
               help='Longest chain of volumes cloned from each other. A volume that would make it longer can be used '
                    'at once, and is made independent of its source in the background. 0: every clone of a volume is '
                    'a full copy before it can be used.'),
    cfg.IntOpt('rbd_concurrent_flatten_operations', default=3, min=1,
               help='How many volumes one process makes independent of their sources at once.'),
    cfg.BoolOpt('enable_deferred_deletion', default=False,
                help='Deleted volumes stay in the trash of the pool for deferred_deletion_delay, from where "rbd trash '
                     'restore" can bring them back. They take room meanwhile, but no quota.'),
    cfg.IntOpt('deferred_deletion_delay', default=0, min=0,
               help='Seconds a deleted volume stays in the trash, with enable_deferred_deletion.'),
    cfg.IntOpt('deferred_deletion_purge_interval', default=60, min=1,
               help='Seconds between two looks at what is in the trash, and at what is to be made independent of its '
                    'source.'),
)

# SPDX-License-Identifier: Apache-2.0
"""What every backend's section may say. A driver adds its own options."""

from oslo_config import cfg

OPTIONS = (
    cfg.StrOpt('volume_driver', default='rbd',
               help='Short name of the driver (entry point of blockctl.drivers.volume): rbd, file, fake.'),
    cfg.StrOpt('volume_backend_name', help='Name that types ask for; unset: the name of the section.'),
    cfg.StrOpt('backend_host', help='Takes the place of host for this backend.'),
    cfg.StrOpt('backend_availability_zone', help='Takes the place of storage_availability_zone for this backend.'),
    cfg.StrOpt('max_over_subscription_ratio', default='20.0', regex=r'^(auto|\d*\.\d+|\d+)$',
               help='How many times its total a thin pool may be promised.'),
    cfg.IntOpt('reserved_percentage', default=0, min=0, max=100, help='Part of a pool that is never promised.'),
    cfg.DictOpt('extra_capabilities', default={}, help='Further capabilities to report.'),
    cfg.IntOpt('backend_native_threads_pool_size', default=20, min=1,
               help='Jobs one process works on at once for this backend.'),
    cfg.FloatOpt('backend_call_timeout', default=30, min=0.5,
                 help='Seconds after which a call to the backend counts as not answered. Less than [jobs] lease.'),
)


class Section:
    """One backend's options; what its section does not have is looked up in [DEFAULT]."""

    def __init__(self, conf, name):
        self._conf = conf
        self.name = name

    def __getattr__(self, name):
        group = self._conf[self.name]
        try:
            return getattr(group, name)
        except cfg.NoSuchOptError:
            return getattr(self._conf, name)

    @property
    def host(self):
        """Such as node1@rbd1."""
        return f'{self.backend_host or self._conf.host}@{self.name}'

    @property
    def zone(self):
        return self.backend_availability_zone or self._conf.storage_availability_zone

# SPDX-License-Identifier: Apache-2.0
"""What every backend's section may say. A driver adds its own options."""

import json

from oslo_config import cfg


def _json_object(text):
    """The type of an option: a JSON object. Raises ValueError."""
    if isinstance(text, dict):
        return text
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError(f'{text} is not a JSON object')  # noqa: TRY004 - what oslo.config expects
    return value


OPTIONS = (
    cfg.StrOpt('volume_driver', default='rbd',
               help='Short name of the driver (entry point of blockctl.drivers.volume): rbd, lvm, nfs, file, fake.'),
    cfg.StrOpt('volume_backend_name', help='Name that types ask for; unset: the name of the section.'),
    cfg.StrOpt('backend_host', help='Takes the place of host for this backend.'),
    cfg.StrOpt('backend_availability_zone', help='Takes the place of storage_availability_zone for this backend.'),
    cfg.StrOpt('max_over_subscription_ratio', default='20.0', regex=r'^(auto|\d*\.\d+|\d+)$',
               help='How many times its total a thin pool may be promised. auto: as many times as what is '
                    'provisioned is more than what is used of it so far; 20 while nothing is provisioned.'),
    cfg.IntOpt('reserved_percentage', default=0, min=0, max=100, help='Part of a pool that is never promised.'),
    cfg.StrOpt('filter_function',
               help='Expression that DriverFilter asks of each pool, such as "volume.size < 500". Unset: the '
                    "driver's, if it has one."),
    cfg.StrOpt('goodness_function',
               help='Expression from 0 to 100 that GoodnessWeigher prefers pools by. Unset: the '
                    "driver's, if it has one."),
    cfg.Opt('extra_capabilities', type=_json_object, default='{}',
            help='Further capabilities to report: a JSON object.'),
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
        """What its pools, volumes and jobs name, such as node1@rbd1; the same for all services of a cluster."""
        return self.cluster_name or self.service_host

    @property
    def service_host(self):
        """What its service is called, such as node1@rbd1."""
        return f'{self.backend_host or self._conf.host}@{self.name}'

    @property
    def cluster_name(self):
        """Such as cluster1@rbd1, or None."""
        return f'{self._conf.cluster}@{self.name}' if self._conf.cluster else None

    @property
    def zone(self):
        return self.backend_availability_zone or self._conf.storage_availability_zone

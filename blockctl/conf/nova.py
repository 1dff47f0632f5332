# SPDX-License-Identifier: Apache-2.0
"""[nova]: how the compute service is reached. Who asks is said there too, in keystoneauth's own options."""

from oslo_config import cfg

OPTIONS = (
    cfg.StrOpt('region_name', help='Region in whose catalog the compute service is looked up.'),
    cfg.StrOpt('interface', default='public', choices=('public', 'admin', 'internal'),
               help='Kind of endpoint that is taken from the catalog.'),
)

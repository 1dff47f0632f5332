# SPDX-License-Identifier: Apache-2.0
"""The REST API."""

from oslo_config import cfg

OPTIONS = (
    cfg.HostAddressOpt('osapi_volume_listen', default='0.0.0.0',  # noqa: S104 - the reference's default
                       help='Address blockctl-api listens on.'),
    cfg.PortOpt('osapi_volume_listen_port', default=8776, help='Port blockctl-api listens on.'),
    cfg.IntOpt('osapi_volume_workers', min=1, help='Processes of blockctl-api; unset: one for each CPU.'),
    cfg.IntOpt('osapi_volume_threads', default=8, min=1, help='Threads in each of them.'),
    cfg.IntOpt('osapi_max_limit', default=1000, min=1, help='Most rows in one answer.'),
    cfg.IntOpt('osapi_max_request_body_size', default=114688, min=1, help='Most bytes in one request body.'),
    cfg.StrOpt('public_endpoint', help='URL of the API as clients see it; unset: from the request.'),
    cfg.StrOpt('auth_strategy', default='keystone', choices=('keystone', 'noauth'),
               help='noauth lets everybody on this machine in as administrator: for the embedded default only.'),
    cfg.StrOpt('default_volume_type', default='__DEFAULT__', help='Type of a volume whose request names none.'),
    cfg.StrOpt('default_group_type', help='Group type that /group_types/default shows.'),
    cfg.StrOpt('default_availability_zone', help='Zone of a volume whose request names none; unset: '
                                                  'storage_availability_zone.'),
    cfg.BoolOpt('allow_availability_zone_fallback', default=False,
                help='A zone that does not exist is replaced by the default one instead of refused.'),
    cfg.BoolOpt('cloned_volume_same_az', default=True,
                help='A volume that is made of another may not be asked into another availability zone than that.'),
    cfg.BoolOpt('snapshot_same_host', default=True,
                help="A volume that is made of a snapshot may not be asked into another availability zone than the "
                     "snapshot's volume."),
    cfg.StrOpt('resource_query_filters_file', help='JSON file of the list filters users may give, by resource; '
                                                   'unset: the built-in table.'),
    cfg.StrOpt('healthcheck_disable_file', help='While this file exists, /healthcheck answers 503.'),
)

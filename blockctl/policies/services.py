# SPDX-License-Identifier: Apache-2.0
"""Services."""

from blockctl.policies.base_rules import ADMIN
from blockctl.policies.base_rules import rules

RULES = rules(
    ('volume_extension:services:index', ADMIN, 'List services.', [('GET', '/os-services')]),
    ('volume_extension:services:update', ADMIN, 'Enable or disable a service, read or set its log levels.',
     [('PUT', f'/os-services/{action}') for action in
      ('enable', 'disable', 'disable-log-reason', 'set-log', 'get-log')]),
    ('volume:freeze_host', ADMIN, 'Freeze a backend.', [('PUT', '/os-services/freeze')]),
    ('volume:thaw_host', ADMIN, 'Thaw a backend.', [('PUT', '/os-services/thaw')]),
    ('volume:failover_host', ADMIN, 'Fail a backend over.',
     [('PUT', '/os-services/failover_host'), ('PUT', '/os-services/failover')]),
)


def list_rules():
    return RULES

# SPDX-License-Identifier: Apache-2.0
"""How services are shown."""

from blockctl.api.versioned import ABSENT
from blockctl.api.versioned import Field
from blockctl.api.versioned import View
from blockctl.api.versioned import time
from blockctl.operations import services


def status(disabled, seen):
    return 'disabled' if disabled else 'enabled'


def state(up, seen):
    return 'up' if up else 'down'


def _of_backend(name, default=None):
    """A getter of what only the services of backends show."""
    def get(row, seen):
        if row.binary != services.VOLUME:
            return ABSENT
        value = getattr(row, name)
        return default if value is None else value
    return get


DETAIL = View(
    'service', 'services',
    Field('binary'),
    Field('host'),
    Field('zone', 'availability_zone'),
    Field('status', status, of='disabled'),
    Field('state', state, of='up'),
    time('updated_at', 'seen_at'),
    Field('backend_state', _of_backend('backend_state'), since='3.49', optional=True),
    Field('cluster', 'cluster_name', since='3.7'),
    Field('disabled_reason'),
    Field('replication_status', _of_backend('replication_status', 'disabled'), optional=True),
    Field('active_backend_id', _of_backend('active_backend_id'), optional=True),
    Field('frozen', _of_backend('frozen'), optional=True))

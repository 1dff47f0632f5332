# SPDX-License-Identifier: Apache-2.0
"""How clusters are shown."""

from blockctl.api.versioned import Field
from blockctl.api.versioned import View
from blockctl.api.versioned import time
from blockctl.api.views import services

_SUMMARY = (
    Field('name'),
    Field('binary'),
    Field('state', services.state, of='up'),
    Field('status', services.status, of='disabled'),
    Field('replication_status', since='3.26'))

SUMMARY = View('cluster', 'clusters', *_SUMMARY)

#: What enabling and disabling answer.
CHANGED = View('cluster', 'clusters', *_SUMMARY, Field('disabled_reason'))

DETAIL = View(
    'cluster', 'clusters', *_SUMMARY,
    Field('disabled_reason'),
    Field('num_hosts'),
    Field('num_down_hosts'),
    time('last_heartbeat'),
    time('created_at'),
    time('updated_at'),
    Field('frozen', since='3.26'),
    Field('active_backend_id', since='3.26'))

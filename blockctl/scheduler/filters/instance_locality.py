# SPDX-License-Identifier: Apache-2.0
"""InstanceLocalityFilter: the pool's backend is on the machine that the server of ``local_to_instance`` runs on.

Nova tells that to the account of [nova] (compute/nova.py). Without one no pool passes; while Nova cannot be asked, the
request waits like one whose backend does not answer.
"""

from oslo_log import log as logging
from oslo_utils import uuidutils

from blockctl.scheduler.filters import each
from blockctl.scheduler.filters import none

LOG = logging.getLogger(__name__)

HINT = 'local_to_instance'


def make(conf):
    return prepare


def prepare(request):
    server_id = request.hints.get(HINT)
    if not server_id:
        return None
    if not isinstance(server_id, str) or not uuidutils.is_uuid_like(server_id):
        return none(f'{HINT} is no id of a server')
    if request.ctx is None or not request.ctx.app.compute.configured:
        LOG.error('InstanceLocalityFilter has nobody to ask: [nova] does not say how to reach the compute service.')
        return none('the compute service is not configured')
    host = request.ctx.app.compute.host_of(server_id, request.ctx.global_request_id)
    if host is None:
        return none('the compute service does not say where that server runs')
    return each(lambda pool: pool.backend.partition('@')[0] == host, lambda pool: f'the server runs on {host}')

# SPDX-License-Identifier: Apache-2.0
"""DifferentBackendFilter and SameBackendFilter: away from, or on, the backends of volumes that a hint names.

Volumes of other projects do not count, as if they were not there.
"""

from blockctl.rpc import volume as volume_rpc
from blockctl.scheduler.filters import each
from blockctl.scheduler.filters import none

DIFFERENT, SAME = 'different_host', 'same_host'


def make_different(conf):
    return prepare_different


def make_same(conf):
    return prepare_same


def prepare_different(request):
    if not request.hints.get(DIFFERENT):
        return None
    taken = _backends(request, DIFFERENT)
    return each(lambda pool: pool.backend not in taken, lambda pool: f'one of {DIFFERENT} is on {pool.backend}')


def prepare_same(request):
    if not request.hints.get(SAME):
        return None
    backends = _backends(request, SAME)
    if not backends:
        return none(f'no volume of the project is where {SAME} says')
    return each(lambda pool: pool.backend in backends, lambda pool: f'none of {SAME} is on {pool.backend}')


def _backends(request, hint):
    return {volume_rpc.backend_of(host) for host in request.hosts_of(request.named(hint))}

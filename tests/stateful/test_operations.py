# SPDX-License-Identifier: Apache-2.0
"""Runs tests/stateful/operations.py for a number of steps: BLOCKCTL_TEST_STEPS, or 300 of the 2,000 that ``slow`` runs.

BLOCKCTL_TEST_SEED (a number) takes other steps than those that every change is tested with.
"""

import logging
import os
import shutil

import hypothesis
import pytest
from hypothesis import stateful

from tests.harness import inprocess
from tests.stateful import operations

#: Of one run; then everything begins anew.
STEPS_OF_A_RUN = 50

pytestmark = pytest.mark.skipif(not shutil.which('qemu-img'), reason='qemu-img is not installed')


class Small(inprocess.Files):
    capacity = 24


class SmallExporting(inprocess.Exporting):
    capacity = 24


@pytest.fixture
def machine(tmp_path):
    """The state machine's class, on a service of its own."""
    database, template = tmp_path / 'db.sqlite', tmp_path / 'template.sqlite'
    service = inprocess.Service(tmp_path, f'sqlite:///{database}', driver={'one': Small, 'two': SmallExporting},
                                quota_gigabytes=40, quota_volumes=14)
    service.app.conf.set_override('takeovers_max', 2, 'jobs')
    _types(service)
    service.close()
    shutil.copy(database, template)

    def restart(self):
        service.close()
        for path in tmp_path.glob('db.sqlite*'):
            path.unlink()
        shutil.copy(template, database)
        service.start()

    surprises = operations.Surprises()
    logging.getLogger('blockctl').addHandler(surprises)
    yield type('Operations', (operations.Operations,), {
        'service': service, 'restart': restart, 'surprises': surprises})
    logging.getLogger('blockctl').removeHandler(surprises)
    service.close()


def _types(service):
    def ask(*request):
        code, answer = service.ask(*request, roles=inprocess.ADMIN)
        assert code < 300, answer
        return answer

    for name, specs in (('gold', {'volume_backend_name': 'two'}), ('shared', {'multiattach': '<is> True'})):
        ask('POST', '/types', {'volume_type': {'name': name, 'extra_specs': specs}})
    for name, specs in (('plain', {'a': 'b'}), ('together', {'consistent_group_snapshot_enabled': '<is> True'})):
        made = ask('POST', '/group_types', {'group_type': {'name': name}})
        ask('POST', f'/group_types/{made["group_type"]["id"]}/group_specs', {'group_specs': specs})


def run(machine, steps):
    """Take at least so many steps."""
    seed = int(os.environ.get('BLOCKCTL_TEST_SEED', '0'))
    phases = [hypothesis.Phase.generate]
    if os.environ.get('BLOCKCTL_TEST_SHRINK', 'yes') == 'yes':
        phases.append(hypothesis.Phase.shrink)
    while machine.steps < steps:
        settings = hypothesis.settings(
            max_examples=2 + (steps - machine.steps) // STEPS_OF_A_RUN, stateful_step_count=STEPS_OF_A_RUN,
            deadline=None, database=None, suppress_health_check=list(hypothesis.HealthCheck), phases=phases)
        stateful.run_state_machine_as_test(hypothesis.seed(seed)(machine), settings=settings)
        seed += 1_000_000
    print(f'{machine.steps} steps: {dict(sorted(machine.done.items()))}')


def test_operations(machine):
    run(machine, int(os.environ.get('BLOCKCTL_TEST_STEPS', '300')))


@pytest.mark.slow
def test_many_operations(machine):
    run(machine, 2000)

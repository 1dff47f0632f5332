# SPDX-License-Identifier: Apache-2.0
"""The part of tempest that every change runs (ci-slice.txt), by the code of tools/conformance."""

import os
import pathlib
import sys

import pytest

from tests.harness import servers

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / 'tools'))

from conforming import known_failures
from conforming import plan
from conforming import report


@pytest.fixture
def root():
    """The servers that the environment names; Keystone and Glance are added to them."""
    if not (os.environ.get('BLOCKCTL_SERVICES_ROOT') and servers.given('ceph')):
        pytest.skip('there are no servers: eval "$(tools/services up mariadb rabbitmq ceph keystone glance)"')
    return pathlib.Path(os.environ['BLOCKCTL_SERVICES_ROOT'])


def test_the_slice_is_as_the_list_says(root):
    known = known_failures.parse(plan.KNOWN_FAILURES.read_text())
    outcome = plan.carry_out(plan.Plan(slice=True, root=root), known,
                             lambda result: print(report.progress(result, known)))
    assert outcome.verdict.good, '\n'.join(report.whole(outcome, known))


def test_what_tempest_skips_for_open_bugs_is_found(tmp_path):
    """Whether or not some of it is of block storage in this release: the way to run it works."""
    space = plan.workspace(tmp_path)
    found = space.unskipped().tests()
    assert found
    assert set(found) < set(space.all_tests().tests())

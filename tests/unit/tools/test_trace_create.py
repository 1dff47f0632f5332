# SPDX-License-Identifier: Apache-2.0
"""tools/trace_create, by itself: it brings its own services."""

import json
import pathlib
import subprocess
import sys

import pytest

TOOL = pathlib.Path(__file__).resolve().parents[3] / 'tools' / 'trace_create'


def trace(*arguments, status=0):
    done = subprocess.run([sys.executable, TOOL, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=120)
    assert done.returncode == status, done.stderr
    return done.stdout


def test_counts_what_a_create_passes():
    counted = json.loads(trace('--json'))
    assert 0 < counted['with_behaviour'] < counted['files'] < counted['functions'] < counted['lines']
    assert counted['lines'] < counted['function_lines']


# Twenty-five: rule 10 of the design, a reader's budget.
@pytest.mark.parametrize(('budget', 'status'), [('1', 1), ('25', 0)])
def test_lists_files_of_every_part_within_a_budget(budget, status):
    said = trace('--functions', '--budget', budget, status=status)
    for path in ('api/handlers/volumes.py', 'scheduler/pick.py', 'drivers/file/driver.py', 'flows/volume_create.py'):
        assert f'blockctl/{path} ' in said
    assert '    CreateVolumeFromSpecTask.execute\n' in said

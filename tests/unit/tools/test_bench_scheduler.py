# SPDX-License-Identifier: Apache-2.0
"""tools/bench_scheduler: that it measures, not how long it takes."""

import pathlib
import subprocess
import sys

TOOL = pathlib.Path(__file__).resolve().parents[3] / 'tools' / 'bench_scheduler'


def test_a_row_for_each_number_of_pools(tmp_path):
    url = f'sqlite:///{tmp_path}/full.sqlite'
    command = [sys.executable, '-W', 'ignore', TOOL, '--pools', '25', '4', '--seconds', '0.05', '--database', url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    heading, *rows = done.stdout.splitlines()
    assert heading.split() == ['pools', 'choice', 'SQLite,', 'with', 'claim', 'sqlite,', 'with', 'claim']
    assert [row.split()[0] for row in rows] == ['4', '25']
    assert all(float(figure) > 0 for row in rows for figure in row.split()[1::2])
    again = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert 'is not empty' in again.stderr and again.returncode == 1

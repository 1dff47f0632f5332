# SPDX-License-Identifier: Apache-2.0
"""blockctl-manage scheduler explain."""

import json
import types

import pytest
import sqlalchemy as sa

import workbench
from blockctl import exceptions
from blockctl.cmd import answers
from blockctl.cmd.manage import scheduler
from blockctl.db import tables


@pytest.fixture
def bench(app, tmp_path):
    bench = workbench.Bench(app, tmp_path)
    bench.add_backend('node@small', 3)
    yield bench
    bench.driver.stop()


@pytest.fixture
def asked(tmp_path):
    """asked({...}): the arguments of a command with a --spec of that."""
    def write(spec):
        path = tmp_path / 'spec.json'
        path.write_text(spec if isinstance(spec, str) else json.dumps(spec))
        return types.SimpleNamespace(volume=None, spec=str(path))

    return write


def test_why_a_volume_is_where_it_is(bench):
    volume_id = bench.create(size=5)
    answer = scheduler.explain(bench.ctx, types.SimpleNamespace(volume=volume_id, spec=None))
    assert answer.status == answers.WELL
    best, other = answer.rows
    assert best == (1, workbench.POOL, 0.0, 'CapacityWeigher: 95 -> 0', '', '')
    assert other == (None, 'node@small#p', None, '', 'CapacityFilter', 'it has room for 3 GiB, not for 5')
    assert 'CapacityFilter' in answers.as_table(answer)


def test_what_its_job_said_is_not_needed(bench):
    volume_id = bench.create(size=5)
    copy = bench.create(size=6, source=bench.source_of(volume_id))
    with bench.ctx.writing() as conn:
        conn.execute(sa.delete(tables.jobs))
    answer = scheduler.explain(bench.ctx, types.SimpleNamespace(volume=copy, spec=None))
    assert [(row[1], row[4]) for row in answer.rows] == [
        (workbench.POOL, ''), ('node@small#p', 'elsewhere than its source')]


def test_nothing_fits(bench, asked):
    answer = scheduler.explain(bench.ctx, asked({'size': 1, 'extra_specs': {'disk': 'ssd'}}))
    assert answer.status == answers.FOUND
    assert [row[4:] for row in answer.rows] == [
        ('CapabilitiesFilter', "disk is not reported, 'ssd' is asked for")] * 2


def test_nothing_is_claimed(bench, asked):
    for _ in range(3):
        answer = scheduler.explain(bench.ctx, asked({'size': 3, 'to': 'node@small'}))
        assert [row[1] for row in answer.rows if row[0]] == ['node@small#p']


@pytest.mark.parametrize(('spec', 'named'), [
    ('{', 'spec.json'), ([], 'object'), ({}, 'size'), ({'size': -1}, 'size'), ({'size': True}, 'size'),
    ({'size': 1.5}, 'size'), ({'size': 1, 'hints': {}}, 'hints'), ({'size': 1, 'to': 5}, 'to'),
    ({'size': 1, 'extra_specs': {'a': 1}}, 'extra_specs')])
def test_what_is_no_request(bench, asked, spec, named):
    with pytest.raises(exceptions.InvalidRequest, match=named):
        scheduler.explain(bench.ctx, asked(spec))


def test_one_of_the_two_is_needed(bench):
    for volume, spec in ((None, None), ('v', 'f')):
        with pytest.raises(exceptions.InvalidRequest, match='either'):
            scheduler.explain(bench.ctx, types.SimpleNamespace(volume=volume, spec=spec))

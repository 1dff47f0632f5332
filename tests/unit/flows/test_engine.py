# SPDX-License-Identifier: Apache-2.0
"""Engines that are kept between runs keep nothing of a run."""

import concurrent.futures
import gc
import threading
import weakref

import pytest
from taskflow import engines as taskflow_engines
from taskflow import task
from taskflow.patterns import linear_flow

from blockctl.flows import engine


class Asked:
    """What a run is about."""

    def __init__(self, number, fails=False):
        self.number = number
        self.fails = fails
        self.reverted = False
        self.thread = None


class Double(task.Task):
    default_provides = 'doubled'

    def execute(self, asked):
        asked.thread = threading.get_ident()
        return asked.number * 2

    def revert(self, asked, **kwargs):
        asked.reverted = True


class AddOne(task.Task):
    default_provides = 'sum'

    def execute(self, asked, doubled):
        if asked.fails:
            raise ValueError(asked.number)
        return doubled + 1


@pytest.fixture
def engines():
    return engine.Engines()


def run(engines, asked):
    return engines.run('sums', (Double, AddOne), asked=asked)['sum']


def test_each_run_has_its_own_results(engines):
    assert [run(engines, Asked(number)) for number in range(5)] == [1, 3, 5, 7, 9]


def test_a_failure_reverts_and_the_next_run_is_sound(engines):
    run(engines, Asked(1))
    bad = Asked(2, fails=True)
    with pytest.raises(ValueError, match='2'):
        run(engines, bad)
    assert bad.reverted
    good = Asked(3)
    assert run(engines, good) == 7
    assert not good.reverted


def test_runs_side_by_side_do_not_meet(engines):
    asked = [Asked(number) for number in range(60)]
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        sums = list(pool.map(lambda each: run(engines, each), asked))
    assert sums == [each.number * 2 + 1 for each in asked]


def test_tasks_run_in_the_callers_thread(engines):
    asked = Asked(1)
    run(engines, asked)
    run(engines, asked)
    assert asked.thread == threading.get_ident()


def test_what_was_asked_is_let_go(engines):
    asked = Asked(1)
    run(engines, asked)
    gone = weakref.ref(asked)
    del asked
    gc.collect()
    assert gone() is None


def test_the_installed_taskflow_can_do_without_saving():
    """What has no public name may be called otherwise in the next release; flows are then slower, and this says so."""
    storage = engines_storage()
    assert [name for name in engine.PRIVATE if not hasattr(storage, name)] == []


def test_a_taskflow_with_other_names_does_all_it_does(engines, monkeypatch):
    monkeypatch.setattr(engine, 'PRIVATE', ('_gone',))
    assert run(engines, Asked(1)) == 3


def engines_storage():
    flow = linear_flow.Flow('sums').add(Double(), AddOne())
    return taskflow_engines.load(flow, store={'asked': Asked(1)}).storage

# SPDX-License-Identifier: Apache-2.0
"""Runs linear taskflow flows on the serial engine, in the caller's thread, and logs what they do."""

import collections
import contextlib
import functools
import importlib
import inspect

from oslo_log import log as logging
from taskflow import engines
from taskflow import states
from taskflow.patterns import linear_flow
from taskflow.persistence import models
from taskflow.types import notifier

from blockctl.flows import unsaved

LOG = logging.getLogger(__name__)

_TROUBLE = {states.FAILURE, states.REVERTED, states.REVERT_FAILURE}


def preload():
    """Import what the first flow of a process would."""
    importlib.import_module('taskflow.engines.action_engine.engine')


class Engines:
    """The engines of one process: loading one costs as much as running it, so each is kept for the next run."""

    def __init__(self):
        self._idle = collections.defaultdict(collections.deque)  # deques: their pop and append need no lock

    def run(self, name, tasks, **store):
        """Run ``tasks`` (classes, always the same for a name) one after another; they find ``store`` and each other's
        results by argument name.

        Returns all results by name.  A task's exception reverts the tasks before it, latest first, and is raised again.
        The engine is serial: every task runs in this thread, so they share the context's transaction.  Tasks keep
        nothing in themselves, for another run will have them.
        """
        try:
            engine = self._idle[name].pop()
            engine.storage.inject(store)
        except IndexError:
            engine = _load(name, tasks, store)
        engine.run()  # one that failed is not kept
        results = engine.storage.fetch_all()
        engine.reset()
        engine.storage.inject(dict.fromkeys(store))  # so that it keeps nobody's request alive
        self._idle[name].append(engine)
        return results


def _load(name, tasks, store):
    flow = linear_flow.Flow(name).add(*(task() for task in tasks))
    engine = engines.load(flow, engine='serial', store=store, backend=unsaved.Backend(), book=models.LogBook(name))
    _without_saving(engine.storage)
    engine.notifier.register(notifier.Notifier.ANY, _log_flow, args=(name,))
    engine.atom_notifier.register(notifier.Notifier.ANY, _log_task, args=(name,))
    return engine


#: What of taskflow's storage has no public name, and is done without.
PRIVATE = ('_save_flow_detail', '_save_atom_detail', '_atomdetail_by_name', '_lock')


def _without_saving(storage):
    """Spare the engine what is of use to those only who save flows, or share one between threads; two thirds of what
    running one costs.
    """
    storage.set_task_progress = _nobody_asks
    if not all(hasattr(storage, name) for name in PRIVATE):
        return  # another taskflow: it does what it always does
    # Saving, which is nothing here (unsaved.py), need not be tried again, nor need it a copy that could be discarded.
    for name in PRIVATE[:2]:
        setattr(storage, name, functools.partial(inspect.unwrap(getattr(type(storage), name)), storage))
    find = storage._atomdetail_by_name  # noqa: SLF001

    def find_itself(name, expected_type=None, clone=False):
        return find(name, expected_type)

    storage._atomdetail_by_name = find_itself  # noqa: SLF001
    storage._lock = _NoLock()  # noqa: SLF001 - some 200 times in a run; nobody else has this engine meanwhile


class _NoLock:
    """In the place of a lock for readers and writers, where one thread does all."""

    _free = contextlib.nullcontext()

    def read_lock(self):
        return self._free

    write_lock = read_lock


def _nobody_asks(task_name, progress, details=None):
    """How far a task is: no task says so, and nobody asks."""


def _log_flow(state, name, details):
    LOG.log(_level(state), 'Flow %s: %s -> %s', name, details['old_state'], state)


def _log_task(state, name, details):
    LOG.log(_level(state), 'Flow %s, task %s: %s -> %s', name, details['task_name'], details['old_state'], state)


def _level(state):
    return logging.WARNING if state in _TROUBLE else logging.DEBUG

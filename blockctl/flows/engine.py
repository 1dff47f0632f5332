# SPDX-License-Identifier: Apache-2.0
"""Runs a linear taskflow flow on the serial engine, in the caller's thread, and logs what it does."""

from oslo_log import log as logging
from taskflow import engines
from taskflow import states
from taskflow.patterns import linear_flow
from taskflow.persistence import models
from taskflow.types import notifier

from blockctl.flows import unsaved

LOG = logging.getLogger(__name__)

_TROUBLE = {states.FAILURE, states.REVERTED, states.REVERT_FAILURE}


def run(name, tasks, **store):
    """Run ``tasks`` (instances) one after another; they find ``store`` and each other's results by argument name.

    Returns all results by name.  A task's exception reverts the tasks before it, latest first, and is raised again.
    The engine is serial: every task runs in this thread, so they share the context's transaction.
    """
    flow = linear_flow.Flow(name).add(*tasks)
    engine = engines.load(flow, engine='serial', store=store, backend=unsaved.Backend(), book=models.LogBook(name))
    engine.notifier.register(notifier.Notifier.ANY, _log_flow, args=(name,))
    engine.atom_notifier.register(notifier.Notifier.ANY, _log_task, args=(name,))
    engine.run()
    return engine.storage.fetch_all()


def _log_flow(state, name, details):
    LOG.log(_level(state), 'Flow %s: %s -> %s', name, details['old_state'], state)


def _log_task(state, name, details):
    LOG.log(_level(state), 'Flow %s, task %s: %s -> %s', name, details['task_name'], details['old_state'], state)


def _level(state):
    return logging.WARNING if state in _TROUBLE else logging.DEBUG

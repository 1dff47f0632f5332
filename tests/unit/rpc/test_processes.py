# SPDX-License-Identifier: Apache-2.0
"""Questions to all processes, over the in-process transport: each process here is one of several on one bus."""

import logging
import threading
import time

import pytest

from blockctl import conf as configuration
from blockctl.rpc import processes
from blockctl.rpc import transport

BOUND = 5
LOGGER = 'blockctl.tested'


@pytest.fixture
def bus():
    bus = transport.Bus(configuration.load([], files=[]), 'embedded://')
    yield bus
    bus.close()


@pytest.fixture
def start(bus):
    """Start a process that runs some services."""
    started = []

    def start(name, *services):
        made = processes.Processes(bus)
        made.start(name, lambda: list(services))
        assert made._server.wait(BOUND)
        started.append(made)
        return made

    yield start
    for process in started:
        process.stop()


@pytest.fixture(autouse=True)
def logger():
    logger = logging.getLogger(LOGGER)
    logger.setLevel(logging.INFO)
    yield logger
    logger.setLevel(logging.NOTSET)


def ask(process, expected, binary=None, host=None, level=None, seconds=BOUND):
    return process.log_levels(binary, host, LOGGER, level, set(expected), seconds)


def test_every_process_answers_for_what_it_runs(start):
    api = start('i1', ('cinder-api', 'node'))
    start('i2', ('cinder-scheduler', 'node'), ('cinder-volume', 'node@one'))
    start('i3', ('cinder-volume', 'other@one'))
    assert ask(api, ['i2', 'i3']) == {
        'i1': [('cinder-api', 'node', {LOGGER: 'INFO'})],
        'i2': [('cinder-scheduler', 'node', {LOGGER: 'INFO'}), ('cinder-volume', 'node@one', {LOGGER: 'INFO'})],
        'i3': [('cinder-volume', 'other@one', {LOGGER: 'INFO'})]}


def test_who_runs_no_such_service_keeps_silent(start):
    api = start('i1', ('cinder-api', 'node'))
    start('i2', ('cinder-scheduler', 'node'), ('cinder-volume', 'node@one'))
    start('i3', ('cinder-volume', 'other@one'))
    assert ask(api, ['i2', 'i3'], binary='cinder-volume') == {
        'i2': [('cinder-volume', 'node@one', {LOGGER: 'INFO'})],
        'i3': [('cinder-volume', 'other@one', {LOGGER: 'INFO'})]}
    assert ask(api, ['i2'], binary='cinder-volume', host='node') == {
        'i2': [('cinder-volume', 'node@one', {LOGGER: 'INFO'})]}
    assert ask(api, [], host='nowhere') == {}


def test_a_level_is_set_before_it_is_told(start, logger):
    api = start('i1', ('cinder-api', 'node'))
    start('i2', ('cinder-scheduler', 'node'))
    assert ask(api, ['i2'], binary='cinder-scheduler', level='DEBUG') == {
        'i2': [('cinder-scheduler', 'node', {LOGGER: 'DEBUG'})]}
    assert logger.level == logging.DEBUG


def test_who_is_not_asked_sets_nothing(start, logger):
    api = start('i1', ('cinder-api', 'node'))
    assert ask(api, [], binary='cinder-scheduler', level='DEBUG') == {}
    assert logger.level == logging.INFO


def test_a_silent_process_costs_a_bounded_wait(start):
    api = start('i1', ('cinder-api', 'node'))
    start('i2', ('cinder-scheduler', 'node'))
    begun = time.monotonic()
    answers = ask(api, ['i2', 'dead'], seconds=0.5)
    assert 0.5 <= time.monotonic() - begun < BOUND
    assert sorted(answers) == ['i1', 'i2']


def test_a_bus_that_hangs_costs_the_same(start, bus, monkeypatch):
    hanging = threading.Event()
    monkeypatch.setattr(bus, 'announcer', lambda: lambda *_: hanging.wait(BOUND))
    api = start('i1', ('cinder-api', 'node'))
    begun = time.monotonic()
    assert ask(api, ['i2'], seconds=0.3) == {'i1': [('cinder-api', 'node', {LOGGER: 'INFO'})]}
    assert time.monotonic() - begun < BOUND
    hanging.set()


def test_answers_that_come_too_late_are_nobodys(start):
    api = start('i1', ('cinder-api', 'node'))
    api.heard('a question of before', 'i2', [['cinder-scheduler', 'node', {}]])
    assert ask(api, []) == {'i1': [('cinder-api', 'node', {LOGGER: 'INFO'})]}


def test_a_prefix_that_is_no_logger_yet_holds_for_those_to_come(start):
    api = start('i1', ('cinder-api', 'node'))
    logging.getLogger('tested.branch.leaf')
    api.log_levels(None, None, 'tested.branch', 'ERROR', set(), BOUND)
    assert logging.getLogger('tested.branch.other').getEffectiveLevel() == logging.ERROR

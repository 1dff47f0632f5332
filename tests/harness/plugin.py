# SPDX-License-Identifier: Apache-2.0
"""The fixtures of tests/functional and tests/faults; their conftest.py files import them from here."""

import os

import pytest

from tests.harness import backends
from tests.harness import cloud
from tests.harness import servers


def database(kind):
    """A maker of databases of one kind, or a skip that says what is missing."""
    url = None if kind == 'sqlite' else _needed(kind)
    return lambda directory: servers.Database(url, directory)


def rabbitmq():
    """A maker of buses: a virtual host each."""
    url = _needed('rabbitmq')
    return lambda: servers.RabbitBus(url, os.environ.get('BLOCKCTL_TEST_RABBITMQCTL'))


def rbd():
    """A maker of RBD backends: a pool each."""
    conf = _needed('ceph')
    return lambda name, directory: backends.Rbd(name, conf)


def _needed(kind):
    found = servers.given(kind)
    if not found:
        pytest.skip(f'{servers.URLS[kind]} is not set: eval "$(tools/services up {kind})"')
    return found


class SharedBus:
    """A bus that outlives the clouds on it."""

    def __init__(self, url):
        self.url = url

    def close(self):
        """Others use it."""


def bus_for(kind, request):
    """RabbitMQ together with MariaDB, where there is one; else a bus that nobody hears: sweeping must do."""
    if kind == 'mariadb' and servers.given('rabbitmq'):
        return request.getfixturevalue('shared_rabbitmq')
    return servers.RefusedBus


@pytest.fixture(scope='session')
def shared_rabbitmq():
    """One virtual host for the clouds of this process that come one after another."""
    bus = rabbitmq()()
    yield lambda: SharedBus(bus.url)
    bus.close()


@pytest.fixture
def make_cloud(request, private):  # private: its servers go after the clouds on them
    """Cloud(...), ended with the test; when the test fails, the ends of the logs are in its report."""
    clouds = request.node.clouds = []

    def make(*args, **kwargs):
        made = cloud.Cloud(*args, **kwargs)
        clouds.append(made)
        return made

    yield make
    for each in reversed(clouds):
        each.close()


@pytest.fixture
def private():
    """Servers of this test alone, which it may kill: private('mariadb', ...)."""
    started = []

    def make(*names):
        for name in names:
            _needed(name)  # where there are none to share, none are installed either
        started.append(servers.Private(*names))
        return started[-1]

    yield make
    for each in started:
        each.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.when == 'call' and report.failed:
        for each in getattr(item, 'clouds', ()):
            report.sections += [(f'log of {name}', text) for name, text in each.logs()]
    return report

# SPDX-License-Identifier: Apache-2.0
"""The in-process transport, through oslo.messaging as the services use it."""

import queue

import pytest

from blockctl import cmd  # noqa: F401 - hides eventlet, as every process of blockctl does
from blockctl import conf as configuration
from blockctl.rpc import transport

BOUND = 5


class Endpoint:
    def __init__(self):
        self.got = queue.Queue()

    def create_volume(self, ctxt, job_id):
        self.got.put(job_id)


@pytest.fixture
def bus():
    bus = transport.Bus(configuration.load([], files=[]), 'embedded://')
    yield bus
    bus.close()


def test_a_cast_reaches_one_listener_of_its_topic(bus):
    endpoints = {topic: Endpoint() for topic in ('scheduler', 'node@rbd')}
    servers = [transport.Server(bus, topic, endpoint) for topic, endpoint in endpoints.items()]
    for server in servers:
        server.start()
        assert server.wait(BOUND)
    send = bus.sender()
    send('node@rbd', 'create_volume', 'job-1')
    send('scheduler', 'create_volume', 'job-2')
    assert endpoints['node@rbd'].got.get(timeout=BOUND) == 'job-1'
    assert endpoints['scheduler'].got.get(timeout=BOUND) == 'job-2'
    for server in servers:
        server.stop()
    assert all(endpoint.got.empty() for endpoint in endpoints.values())


def test_a_message_waits_for_a_listener(bus):
    bus.sender()('scheduler', 'create_volume', 'early')
    endpoint = Endpoint()
    server = transport.Server(bus, 'scheduler', endpoint)
    server.start()
    assert endpoint.got.get(timeout=BOUND) == 'early'
    server.stop()

# SPDX-License-Identifier: Apache-2.0
"""Ringing never blocks and never raises, whatever the message bus does."""

import threading

from blockctl.jobs import doorbell

BOUND = 5


class Bus:
    """Takes messages; ``gate`` closed makes it silent, ``broken`` makes it refuse."""

    def __init__(self):
        self.gate = threading.Event()
        self.gate.set()
        self.broken = False
        self.got = []
        self.sent = threading.Semaphore(0)

    def send(self, *message):
        self.gate.wait(BOUND)
        try:
            if self.broken:
                raise ConnectionRefusedError('no broker')
            self.got.append(message)
        finally:
            self.sent.release()


def started(bus):
    bell = doorbell.Doorbell(lambda: bus.send)
    bell.start()
    return bell


def test_messages_arrive_in_order():
    bus = Bus()
    bell = started(bus)
    for number in range(3):
        bell.ring('topic', 'create', str(number))
    bell.stop(BOUND)
    assert bus.got == [('topic', 'create', '0'), ('topic', 'create', '1'), ('topic', 'create', '2')]


def test_a_silent_bus_holds_nobody_up_and_what_does_not_fit_is_dropped():
    bus = Bus()
    bus.gate.clear()
    bell = started(bus)
    for number in range(doorbell.MOST * 2):
        bell.ring('topic', 'create', str(number))
    bus.gate.set()
    bell.stop(BOUND)
    assert doorbell.MOST <= len(bus.got) <= doorbell.MOST + 1


def test_the_same_message_waits_once():
    bus = Bus()
    bus.gate.clear()
    bell = started(bus)
    bell.ring('topic', 'create', 'first')
    for _ in range(5):
        bell.ring('topic', 'create', 'again')
    bus.gate.set()
    bell.stop(BOUND)
    assert bus.got.count(('topic', 'create', 'again')) <= 1


def test_it_goes_on_after_an_outage():
    bus = Bus()
    bus.broken = True
    bell = started(bus)
    bell.ring('topic', 'create', 'lost')
    assert bus.sent.acquire(timeout=BOUND)
    bus.broken = False
    bell.ring('topic', 'create', 'kept')
    bell.stop(BOUND)
    assert bus.got == [('topic', 'create', 'kept')]

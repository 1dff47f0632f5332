# SPDX-License-Identifier: Apache-2.0
"""Notifications on their way: by oslo.messaging's own drivers, without making anybody wait."""

import json
import logging

import pytest

import stand_in
from blockctl.rpc import notifier
from blockctl.rpc import transport


@pytest.fixture
def made(app):
    """A function of the names of drivers -> a Notifier that has them."""
    notifiers = []

    def make(*drivers):
        transport.notification_drivers(app.conf)
        app.conf.set_override('driver', list(drivers), 'oslo_messaging_notifications')
        notifiers.append(notifier.Notifier(app.conf))
        return notifiers[-1]

    yield make
    for each in notifiers:
        each.stop()


def test_nothing_is_made_where_nobody_listens(made, ctx):
    off = made()
    off.emit(ctx, 'volume.node', 'volume.create.start', lambda: pytest.fail('a payload was made'))
    assert not off.wanted()
    assert off.stop()


def test_the_log_driver_gets_the_whole_event(made, ctx, caplog):
    on = made('log')
    with caplog.at_level(logging.INFO, logger='oslo.messaging.notification'):
        on.emit(ctx, 'volume.node', 'volume.create.start', lambda: {'volume_id': 'v'})
        on.emit(ctx, 'scheduler.node', 'scheduler.create_volume', lambda: {'volume_id': 'v'}, 'error')
        on.flush()
    told = [json.loads(record.getMessage()) for record in caplog.records
            if record.name.startswith('oslo.messaging.notification')]
    assert [(each['event_type'], each['publisher_id'], each['priority'], each['payload']) for each in told] == [
        ('volume.create.start', 'volume.node', 'INFO', {'volume_id': 'v'}),
        ('scheduler.create_volume', 'scheduler.node', 'ERROR', {'volume_id': 'v'})]
    assert on.lost == 0


def test_what_cannot_be_made_or_sent_fails_nobody(made, ctx, monkeypatch):
    on = made('log')
    on.emit(ctx, 'volume.node', 'volume.create.start', lambda: {}['none'])
    assert on.lost == 1
    monkeypatch.setattr(on, '_connected', lambda: 1 / 0)
    on.emit(ctx, 'volume.node', 'volume.create.start', dict)
    on.flush()
    assert on.lost == 2


def test_what_does_not_fit_is_dropped_and_nobody_waits(made, ctx, monkeypatch):
    monkeypatch.setattr(notifier, 'MOST', 2)
    on = made('log')
    monkeypatch.setattr(on, '_start', lambda: None)  # nobody sends
    for _ in range(5):
        on.emit(stand_in.make_context(ctx.app), 'volume.node', 'volume.create.start', dict)
    assert on.lost == 3

# SPDX-License-Identifier: Apache-2.0
"""Services and what backends report, on each kind of database."""

import datetime
import types

import pytest
import stand_in

from blockctl import exceptions
from blockctl.db import pools
from blockctl.db import services


@pytest.fixture
def ctx(any_app):
    return stand_in.make_context(any_app)


def process(number):
    return {'incarnation': f'i{number}', 'machine': 'm', 'boot': 'b', 'pid': number, 'started': 1, 'version': '1'}


def only(ctx):
    with ctx.reading():
        row, = services.everything(ctx)
    return row


def test_disabled_and_enabled(ctx):
    with ctx.writing():
        services.register(ctx, 'cinder-volume', 'node@one', 'nova', process(1))
    with ctx.writing():
        services.set_disabled(ctx, 'cinder-volume', 'node@one', disabled=True, reason='lo\u00fcd \u2603')
    assert (only(ctx).disabled, only(ctx).disabled_reason) == (True, 'lo\u00fcd \u2603')
    with ctx.writing():
        services.set_disabled(ctx, 'cinder-volume', 'node@one', disabled=False)
    assert (only(ctx).disabled, only(ctx).disabled_reason) == (False, None)


def test_disabling_stays_when_another_process_starts(ctx):
    with ctx.writing():
        services.register(ctx, 'cinder-volume', 'node@one', 'nova', process(1))
        services.set_disabled(ctx, 'cinder-volume', 'node@one', disabled=True)
    with ctx.writing():
        services.register(ctx, 'cinder-volume', 'node@one', 'nova', process(2))
    assert only(ctx).disabled


def test_what_is_not_there_cannot_be_disabled(ctx):
    with ctx.writing():
        services.register(ctx, 'cinder-volume', 'node@one', 'nova', process(1))
    for binary, host in (('cinder-volume', 'node'), ('cinder-backup', 'node@one')):
        with pytest.raises(exceptions.ServiceNotFound, match=host), ctx.writing():
            services.set_disabled(ctx, binary, host, disabled=True)


def test_up_while_a_process_beats(ctx):
    with ctx.writing():
        services.register(ctx, 'cinder-volume', 'node@one', 'nova', process(1))
    row = only(ctx)
    assert services.is_up(row, 60)
    late = types.SimpleNamespace(last_beat=row.last_beat, now=row.last_beat + datetime.timedelta(seconds=61))
    assert not services.is_up(late, 60)
    with ctx.writing():
        services.leave(ctx, 'i1')
    assert not services.is_up(only(ctx), 60)


def test_pools_tell_of_their_backend(ctx):
    with ctx.writing():
        pools.report(ctx, 'node@one', 'node@one#b', 1, 0, 100, 5, {'backend_state': 'up'})
        pools.report(ctx, 'node@one', 'node@one#a', 1, 0, 100, 5, {'backend_state': 'up'})
        pools.report(ctx, 'node@two', 'node@two#a', 1, 0, None, 0, {})
        assert [row.name for row in pools.everything(ctx)] == ['node@one#a', 'node@one#b', 'node@two#a']
        assert pools.backend_states(ctx) == {'node@one': 'up', 'node@two': None}

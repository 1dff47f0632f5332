# SPDX-License-Identifier: Apache-2.0
"""The one door through which a status changes."""

import threading

import pytest
import sqlalchemy as sa
import stand_in

from blockctl import exceptions
from blockctl import states
from blockctl.db import holds
from blockctl.db import jobs
from blockctl.db import tables
from blockctl.db import volumes
from blockctl.db.transition import transition


@pytest.fixture
def volume(ctx):
    with ctx.writing():
        volumes.insert(ctx, {'k': 'v'}, id='v1', project_id='p1', size=1, status='creating')
    return 'v1'


def status(ctx, volume_id):
    with ctx.reading():
        row = volumes.get(ctx, volume_id)
    return row.status, row.previous_status


def test_it_moves_and_remembers(ctx, volume):
    with ctx.writing():
        transition(ctx, states.VOLUME, volume, 'create.done', provider_id='x')
    assert status(ctx, volume) == ('available', 'creating')
    with ctx.reading():
        assert volumes.get(ctx, volume).provider_id == 'x'


def test_a_wrong_state_is_refused_with_state_and_action(ctx, volume):
    with pytest.raises(exceptions.InvalidState) as caught, ctx.writing():
        transition(ctx, states.VOLUME, volume, 'delete')
    assert caught.value.values['status'] == 'creating'
    assert caught.value.values['action'] == 'delete'
    assert status(ctx, volume) == ('creating', None)


def test_a_missing_row_is_not_found(ctx):
    with pytest.raises(exceptions.VolumeNotFound), ctx.writing():
        transition(ctx, states.VOLUME, 'no', 'delete')


def test_a_held_row_does_not_move(ctx, volume):
    with ctx.writing():
        job = jobs.post(ctx, 'volume.create', 'other', 'scheduler', {})
        ctx.conn.execute(sa.insert(tables.holds).values(resource_id=volume, job_id=job))
    with pytest.raises(exceptions.InvalidState), ctx.writing():
        transition(ctx, states.VOLUME, volume, 'create.done')


def test_who_waited_for_a_row_sees_who_holds_it_by_then(any_app):
    ctx = stand_in.make_context(any_app)
    with ctx.writing():
        volumes.insert(ctx, {}, id='v1', project_id='p1', size=1, status='available')
    outcome = []

    def clone():
        other = stand_in.make_context(any_app)
        try:
            with other.writing():
                transition(other, states.VOLUME, 'v1', 'clone')
        except exceptions.InvalidState as error:
            outcome.append(error)

    waiting = threading.Thread(target=clone)
    with ctx.writing():
        transition(ctx, states.VOLUME, 'v1', 'migrate')
        holds.hold(ctx, 'v1', jobs.post(ctx, 'volume.migrate', 'v1', 'scheduler', {}))
        waiting.start()
        waiting.join(0.5)
        assert waiting.is_alive()
    waiting.join()
    assert [error.values['action'] for error in outcome] == ['clone']


def test_a_refusal_names_the_event_as_tenants_do(ctx, volume):
    with pytest.raises(exceptions.InvalidState, match='to extend it'), ctx.writing():
        transition(ctx, states.VOLUME, volume, 'extend.attached')


def test_two_rows_for_one_event_cannot_be_defined():
    with pytest.raises(ValueError, match='two rows for event'):
        states.Machine('x', 'a', [('e', 'a', 'b', ''), ('e', 'b', 'c', '')], ())


def test_every_transitional_state_can_be_left():
    left = {source for move in states.VOLUME.moves.values() for source in move.sources}
    assert states.VOLUME.transitional <= left

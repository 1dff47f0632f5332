# SPDX-License-Identifier: Apache-2.0
"""The one door through which a status changes."""

import pytest
import sqlalchemy as sa

from blockctl import exceptions
from blockctl import states
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


def test_two_rows_for_one_event_cannot_be_defined():
    with pytest.raises(ValueError, match='two rows for event'):
        states.Machine('x', 'a', [('e', 'a', 'b', ''), ('e', 'b', 'c', '')], ())


def test_every_transitional_state_can_be_left():
    left = {source for move in states.VOLUME.moves.values() for source in move.sources}
    assert states.VOLUME.transitional <= left

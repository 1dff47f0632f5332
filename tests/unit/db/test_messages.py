# SPDX-License-Identifier: Apache-2.0
"""User messages, on each kind of database."""

import types
import uuid

import pytest
import stand_in

from blockctl import exceptions
from blockctl.db import messages
from blockctl.db import pages
from blockctl.db.conditions import Wanted


@pytest.fixture
def ctx(any_app):
    return stand_in.make_context(any_app)


def write(ctx, project='p1', event='VOLUME_VOLUME_001_003', text='It failed.'):
    job = types.SimpleNamespace(project_id=project, request_id=f'req-{uuid.uuid4()}', resource_id=str(uuid.uuid4()))
    with ctx.writing():
        messages.write(ctx, job, 'VOLUME', event, text)
    return job


def found(ctx, filters=None, project='p1', **page):
    with ctx.reading():
        return messages.page(ctx, project, filters or {}, pages.Page(**{'limit': 100, **page})).rows


def test_newest_first_and_of_the_project_only(ctx):
    first, second, other = write(ctx), write(ctx, text='\u2603'), write(ctx, 'p2')
    assert [row.request_id for row in found(ctx)] == [second.request_id, first.request_id]
    assert [row.request_id for row in found(ctx, project=None, limit=1)] == [other.request_id]
    assert found(ctx)[0].user_message == '\u2603'


def test_filters(ctx):
    job, _ = write(ctx), write(ctx, event='VOLUME_VOLUME_008_012')
    for name, value in (('resource_uuid', job.resource_id), ('request_id', job.request_id),
                        ('event_id', 'VOLUME_VOLUME_001_003')):
        assert [row.request_id for row in found(ctx, {name: Wanted('eq', value)})] == [job.request_id]
    assert len(found(ctx, {'message_level': Wanted('eq', 'ERROR'), 'resource_type': Wanted('eq', 'VOLUME')})) == 2


def test_pages_by_each_key_give_every_row_once(ctx):
    for _ in range(5):
        write(ctx)
    for key in messages.SORTS:
        seen, marker = [], None
        while rows := found(ctx, limit=2, marker=marker, sorts=((key, 'asc'),)):
            seen += [row.id for row in rows]
            marker = rows[-1].id
        assert len(seen) == len(set(seen)) == 5, key


def test_another_projects_message_is_no_marker(ctx):
    write(ctx, 'p2')
    theirs, = found(ctx, project='p2')
    with pytest.raises(exceptions.MessageNotFound):
        found(ctx, marker=theirs.id)


def test_delete(ctx):
    write(ctx)
    row, = found(ctx)
    with ctx.writing():
        messages.delete(ctx, row.id)
    for act in (messages.get, messages.delete):
        with pytest.raises(exceptions.MessageNotFound, match=row.id), ctx.writing():
            act(ctx, row.id)

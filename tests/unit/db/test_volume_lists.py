# SPDX-License-Identifier: Apache-2.0
"""Pages, filters and what is shown with rows, on each kind of database."""

import datetime
import uuid

import pytest

import stand_in
from blockctl import exceptions
from blockctl.db import pages
from blockctl.db import volume_changes
from blockctl.db import volume_lists
from blockctl.db import volumes as db_volumes
from blockctl.db.conditions import NOTHING
from blockctl.db.conditions import Wanted
from blockctl.db.tables import volume_image_metadata
from blockctl.db.tables import volume_metadata
from blockctl.db.tables import volumes

NAMES = ('b', 'a', None, 'B', 'ä', '100%', 'a', None, '名前 😀')


@pytest.fixture
def ctx(any_app):
    """Nine volumes of p1, two of which were made at the same time, and one of p2."""
    ctx = stand_in.make_context(any_app)
    start = datetime.datetime(2026, 1, 1)
    with ctx.writing():
        for number, name in enumerate((*NAMES, 'theirs')):
            volume_id = str(uuid.UUID(int=(number * 7919) % 97))
            ctx.conn.execute(volumes.insert().values(
                id=volume_id, project_id='p2' if name == 'theirs' else 'p1', name=name, size=1 + number % 3,
                status='available', host=None if number % 2 else 'h@one#pool', created_at=start + datetime.timedelta(
                    microseconds=number // 2), bootable=number == 4))
            ctx.conn.execute(volume_metadata.insert().values(volume_id=volume_id, key='n', value=str(number % 2)))
        ctx.conn.execute(volume_image_metadata.insert().values(volume_id=volume_id, key='os', value='x'))
    return ctx


def walk(ctx, limit, *sorts):
    """Ids of all pages of p1 one after another."""
    found, marker = [], None
    for _ in range(20):
        with ctx.reading():
            page = volume_lists.page(ctx, 'p1', {}, pages.Page(limit=limit, marker=marker, sorts=sorts))
        found += [row.id for row in page.rows]
        if not page.more:
            return found
        marker = found[-1]
    raise AssertionError('the pages have no end')


@pytest.mark.parametrize('sorts', [
    (), *(((key, way),) for key in ('name', 'created_at', 'size', 'host', 'bootable', 'id') for way in ('asc', 'desc')),
    (('host', 'asc'), ('name', 'desc')), (('size', 'desc'), ('host', 'desc'), ('created_at', 'asc'))])
def test_pages_of_any_size_have_every_row_once_in_one_order(ctx, sorts):
    whole = walk(ctx, 100, *sorts)
    assert len(whole) == len(set(whole)) == len(NAMES)
    for limit in (1, 2, 4):
        assert walk(ctx, limit, *sorts) == whole


def test_null_is_the_least(ctx):
    with ctx.reading():
        page = volume_lists.page(ctx, 'p1', {}, pages.Page(limit=100, sorts=(('name', 'asc'),)))
    names = [row.name for row in page.rows]
    assert names[:2] == [None, None]
    assert None not in names[2:]


def test_the_latest_comes_first_and_the_same_moment_is_ordered_by_id(ctx):
    with ctx.reading():
        rows = volume_lists.page(ctx, 'p1', {}, pages.Page(limit=100)).rows
    assert [(row.created_at, row.id) for row in rows] == sorted(((row.created_at, row.id) for row in rows),
                                                                reverse=True)
    assert rows[0].volume_type_name is None


def names(ctx, project='p1', **filters):
    with ctx.reading():
        found = volume_lists.page(ctx, project, filters, pages.Page(limit=100, with_count=True))
    assert found.count == len(found.rows)
    return sorted(str(row.name) for row in found.rows)


@pytest.mark.parametrize(('filters', 'expected'), [
    ({'name': Wanted('eq', 'a')}, ['a', 'a']),
    ({'name': Wanted('eq', 'B')}, ['B']),
    ({'name': Wanted('eq', 'ä')}, ['ä']),
    ({'name': Wanted('eq', '名前 😀')}, ['名前 😀']),
    ({'name': Wanted('like', 'B')}, ['B', 'b']),
    ({'name': Wanted('like', '%')}, ['100%']),
    ({'name': Wanted('like', '_')}, []),
    ({'name': Wanted('like', '!')}, []),
    ({'size': Wanted('eq', 3)}, ['100%', 'None', '名前 😀']),
    ({'bootable': Wanted('eq', True)}, ['ä']),
    ({'host': Wanted('eq', 'h')}, ['None', 'a', 'b', 'ä', '名前 😀']),
    ({'host': Wanted('eq', 'h@one')}, ['None', 'a', 'b', 'ä', '名前 😀']),
    ({'host': Wanted('eq', 'h@on')}, []),
    ({'host': Wanted('eq', 'h_one')}, []),
    ({'metadata': Wanted('pairs', {'n': '1'})}, ['100%', 'B', 'None', 'a']),
    ({'metadata': Wanted('pairs', {'n': '1', 'm': '1'})}, []),
    ({'metadata': Wanted('pairs', {'é': '1'})}, []),
    ({'glance_metadata': Wanted('pairs', {'os': 'x'})}, []),
    ({'group_id': Wanted('eq', None), 'size': Wanted('eq', 1)}, ['B', 'a', 'b']),
    ({'created_at': Wanted('all', [Wanted('gt', datetime.datetime(2026, 1, 1, 0, 0, 0, 1)),
                                   Wanted('lte', datetime.datetime(2026, 1, 1, 0, 0, 0, 2))])}, ['100%', 'ä']),
    ({'updated_at': Wanted('neq', datetime.datetime(2026, 1, 1)), 'name': Wanted('eq', 'b')}, ['b']),
    ({'status': NOTHING}, []),
    ({'no_such_column': NOTHING}, []),
])
def test_filters(ctx, filters, expected):
    assert names(ctx, **filters) == sorted(expected)


def test_all_projects(ctx):
    assert len(names(ctx, project=None)) == 10
    assert names(ctx, project=None, project_id=Wanted('eq', 'p2')) == ['theirs']
    with ctx.reading():
        assert volume_lists.totals(ctx, 'p1') == (9, 18)
        assert volume_lists.totals(ctx, 'nobody') == (0, 0)
        assert volume_lists.all_metadata(ctx, 'p1') == {'n': ['0', '1']}


@pytest.mark.parametrize('marker', ['nothing', 'é', 'x' * 300, ''])
def test_a_marker_of_nothing(ctx, marker):
    with ctx.reading(), pytest.raises(exceptions.VolumeNotFound):
        volume_lists.page(ctx, 'p1', {}, pages.Page(limit=1, marker=marker))


def test_another_projects_row_is_no_marker(ctx):
    with ctx.reading():
        theirs = volume_lists.page(ctx, 'p2', {}, pages.Page(limit=1)).rows[0]
        with pytest.raises(exceptions.VolumeNotFound):
            volume_lists.page(ctx, 'p1', {}, pages.Page(limit=1, marker=theirs.id))


def test_a_limit_of_nothing_has_no_next_page(ctx):
    with ctx.reading():
        assert volume_lists.page(ctx, 'p1', {}, pages.Page(limit=0)) == pages.Found([], more=False)


def test_what_is_shown_with_rows(ctx):
    with ctx.reading():
        rows = volume_lists.page(ctx, None, {}, pages.Page(limit=100)).rows
        related = volume_lists.related(ctx, rows)
        assert set(related.metadata) == {row.id for row in rows}
        assert list(related.image_metadata.values()) == [{'os': 'x'}]
        assert volume_lists.related(ctx, []).metadata == {}


def test_metadata_is_merged_replaced_and_removed(ctx):
    with ctx.writing():
        row = volume_lists.page(ctx, 'p2', {}, pages.Page(limit=1)).rows[0]
        db_volumes.lock(ctx, row.id)

        def now():
            return volume_changes.metadata(ctx, row.id)

        volume_changes.set_metadata(ctx, row.id, {'n': 'ä', 'N': '😀'}, replace=False)
        assert now() == {'n': 'ä', 'N': '😀'}
        volume_changes.set_metadata(ctx, row.id, {}, replace=False)
        assert now() == {'n': 'ä', 'N': '😀'}
        volume_changes.delete_metadata(ctx, row.id, 'N')
        assert now() == {'n': 'ä'}
        volume_changes.set_metadata(ctx, row.id, {'x': ''}, replace=True)
        assert now() == {'x': ''}
        volume_changes.set_metadata(ctx, row.id, {}, replace=True)
        assert now() == {}

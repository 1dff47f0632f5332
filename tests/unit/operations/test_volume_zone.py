# SPDX-License-Identifier: Apache-2.0
"""The zone of a volume whose type allows several: the scheduler's choice, where nobody asked for one."""

import uuid

import pytest
import sqlalchemy as sa

import stand_in
import workbench
from blockctl.db import tables
from blockctl.db import volume_types
from blockctl.db.columns import utcnow
from blockctl.operations import volume_create


@pytest.fixture
def bench(app, tmp_path):
    """Its only pool is in nova; east is served too, but has none."""
    app.policy = stand_in.Anybody()
    app.conf.set_override('default_availability_zone', 'moon')
    bench = workbench.Bench(app, tmp_path)
    with bench.ctx.writing() as conn:
        conn.execute(sa.insert(tables.services).values(
            id=str(uuid.uuid4()), binary='cinder-volume', host='node@east', availability_zone='east', disabled=False,
            frozen=False, created_at=utcnow()))
        volume_types.insert_type(bench.ctx, str(uuid.uuid4()), 'both', None, True, {
            'RESKEY:availability_zones': 'mars, east,nova'})
    return bench


def ask(bench, **asked):
    row, _ = volume_create.create(stand_in.make_context(bench.app), volume_create.NewVolume(
        size=1, volume_type='both', **asked))
    assert row.availability_zone == 'east'  # the first that is served
    bench.schedule()
    return bench.row(row.id)


def test_any_that_the_type_allows(bench):
    volume = ask(bench)
    assert (volume.host, volume.availability_zone) == (workbench.POOL, 'nova')


def test_one_that_was_asked_for_is_kept_to(bench):
    volume = ask(bench, availability_zone='east')
    assert (volume.status, volume.host, volume.availability_zone) == ('error', None, 'east')

# SPDX-License-Identifier: Apache-2.0
"""The encryption of a type, and volumes that come in between."""

import threading
import uuid

import pytest
import sqlalchemy as sa

import stand_in
from blockctl import exceptions
from blockctl.db import tables
from blockctl.db import volume_type_encryption
from blockctl.db import volumes

LUKS = {'provider': 'luks', 'cipher': None, 'key_size': 256, 'control_location': 'front-end'}


def make_type(ctx):
    type_id = str(uuid.uuid4())
    with ctx.writing() as conn:
        conn.execute(sa.insert(tables.volume_types).values(
            id=type_id, name=type_id, is_public=True, created_at=sa.func.now()))
    return type_id


def make_volume(ctx, type_id):
    volumes.insert(ctx, {}, id=str(uuid.uuid4()), project_id='p', size=1, status='creating', volume_type_id=type_id)


def test_alike(app):
    ctx = stand_in.make_context(app)
    plain, one, same, other = (make_type(ctx) for _ in range(4))
    with ctx.writing():
        for type_id, values in ((one, {}), (same, {}), (other, {'key_size': 512})):
            volume_type_encryption.insert(ctx, type_id, str(uuid.uuid4()), {**LUKS, **values})
    with ctx.reading():
        for first, second, expected in ((one, same, True), (one, other, False), (one, plain, False),
                                        (plain, None, True), (None, one, False), (None, None, True),
                                        (other, other, True)):
            assert volume_type_encryption.alike(ctx, first, second) is expected


def test_a_volume_that_is_just_being_stored_keeps_a_type_as_it_is(any_app):
    """Whoever would change the encryption waits for the volume's commit, and then sees it."""
    ctx, other = stand_in.make_context(any_app), stand_in.make_context(any_app)
    type_id, outcome = make_type(ctx), []

    def encrypt():
        try:
            with other.writing():
                volume_type_encryption.insert(other, type_id, str(uuid.uuid4()), LUKS)
        except exceptions.Error as error:
            outcome.append(error)
        else:
            outcome.append(None)

    thread = threading.Thread(target=encrypt)
    with ctx.writing():
        make_volume(ctx, type_id)
        thread.start()
        thread.join(0.5)
        assert thread.is_alive()
    thread.join(20)
    [error] = outcome
    assert isinstance(error, exceptions.VolumeTypeEncryptionInUse)


def test_a_volume_waits_for_the_encryption_of_its_type(any_app):
    """It is stored after that, so the job that makes it finds it."""
    ctx, other = stand_in.make_context(any_app), stand_in.make_context(any_app)
    type_id, seen = make_type(ctx), []

    def store():
        with other.writing():
            make_volume(other, type_id)
            seen.append(volume_type_encryption.settings(other, type_id))

    thread = threading.Thread(target=store)
    with ctx.writing():
        volume_type_encryption.insert(ctx, type_id, str(uuid.uuid4()), LUKS)
        thread.start()
        thread.join(0.5)
        assert thread.is_alive()
    thread.join(20)
    assert seen == [LUKS]


@pytest.mark.parametrize('act', [
    lambda ctx, type_id: volume_type_encryption.change(ctx, type_id, {'key_size': 128}),
    volume_type_encryption.delete])
def test_none_to_change(app, act):
    ctx = stand_in.make_context(app)
    type_id = make_type(ctx)
    with ctx.writing(), pytest.raises(exceptions.VolumeTypeEncryptionNotFound):
        act(ctx, type_id)

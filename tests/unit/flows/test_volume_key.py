# SPDX-License-Identifier: Apache-2.0
"""Encrypted volumes on a backend of files: their keys, their headers, and what a death or refusal leaves of them."""

import json
import subprocess

import pytest
import sqlalchemy as sa
from castellan.common import exception

import memory_keys
import workbench
from blockctl import exceptions
from blockctl.db import jobs
from blockctl.db import tables
from blockctl.drivers import interface
from blockctl.flows import handlers
from blockctl.flows import volume_delete
from blockctl.flows import volume_migrate
from blockctl.flows import volume_retype

DATA = b'\x5a'
HERE = ('before_key', 'key_made', 'before_effect', 'effected', 'before_commit')


@pytest.fixture
def bench(app, tmp_path):
    return workbench.Bench(app, tmp_path)


@pytest.fixture
def keys(bench):
    return memory_keys.put_in(bench.app)


@pytest.fixture
def kind(bench):
    """The row of an encrypted type."""
    return memory_keys.make_type(bench)


def secret_of(keys, row):
    return keys.keys[row.project_id, row.encryption_key_id].get_encoded()


def look(path, secret, tmp_path, *commands):
    """Do something with the data of an image by its key, as a host does; the program's exit status."""
    passphrase = tmp_path / 'passphrase'
    passphrase.write_text(secret.hex())
    words = [word for command in commands for word in ('-c', command)]
    return subprocess.run(
        ['qemu-io', *words, '--object', f'secret,id=key,file={passphrase}', '--image-opts',
         f'driver=luks,key-secret=key,file.driver=file,file.filename={path}'],
        check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60).returncode


def info(path):
    return json.loads(subprocess.run(['qemu-img', 'info', '--output', 'json', '-f', 'luks', str(path)], check=True,
                                     stdout=subprocess.PIPE, timeout=60).stdout)


def ids(keys):
    return {key_id for _, key_id in keys.keys}


def named(bench):
    """Ids of keys that rows name."""
    with bench.ctx.reading() as conn:
        return set(conn.execute(sa.select(tables.volumes.c.encryption_key_id)).scalars()) - {None}


def test_its_data_are_behind_a_header_that_its_key_opens(bench, keys, kind, tmp_path):
    volume_id = bench.create(1, volume_type=kind)
    row = bench.row(volume_id)
    assert ids(keys) == {row.encryption_key_id}
    key, = keys.keys.values()
    assert (key.algorithm, key.bit_length, key.name) == ('aes', 256, f'volume-{volume_id}')
    image = bench.image(volume_id)
    assert image.stat().st_size == 1 << 30
    found = info(image)['format-specific']['data']
    assert (found['cipher-alg'], found['cipher-mode'], found['ivgen-alg']) == ('aes-256', 'xts', 'plain64')
    assert look(image, key.get_encoded(), tmp_path, 'write -P 0x5a 0 64k', 'read -P 0x5a 0 64k') == 0
    assert look(image, b'\0' * 32, tmp_path, 'read 0 64k') != 0
    assert DATA * 512 not in image.read_bytes()[:8 << 20]
    bench.all_is_well()


def test_another_cipher(bench, keys, tmp_path):
    kind = memory_keys.make_type(bench, cipher='aes-cbc-essiv:sha256', key_size=128)
    row = bench.row(bench.create(1, volume_type=kind))
    found = info(bench.image(row.id))['format-specific']['data']
    assert (found['cipher-alg'], found['cipher-mode'], found['ivgen-alg']) == ('aes-128', 'cbc', 'essiv')
    assert look(bench.image(row.id), secret_of(keys, row), tmp_path, 'read -P 0 0 0') == 0


def test_a_clone_has_a_key_of_its_own_that_opens_the_same(bench, keys, kind, tmp_path):
    source = bench.row(bench.create(1, volume_type=kind))
    assert look(bench.image(source.id), secret_of(keys, source), tmp_path, 'write -P 0x5a 0 64k') == 0
    clone = bench.row(bench.create(2, bench.source_of(source.id), volume_type=kind))
    assert clone.encryption_key_id not in (None, source.encryption_key_id)
    assert secret_of(keys, clone) == secret_of(keys, source)
    volume_delete.delete_volume(bench.ctx, source)
    bench.work()
    assert ids(keys) == {clone.encryption_key_id}
    # It is as much larger as was asked for.
    assert look(bench.image(clone.id), secret_of(keys, clone), tmp_path, 'read -P 0x5a 0 64k',
                'write -P 1 1g 64k', 'read -P 1 1g 64k') == 0
    bench.all_is_well()


def test_what_is_not_encrypted_has_no_key(bench, keys):
    bench.create(1)
    assert (keys.asked, named(bench)) == ([], set())


@pytest.mark.parametrize('moment', HERE)
def test_a_death_while_it_is_made(bench, keys, kind, moment, tmp_path):
    volume_id = bench.ask(1, volume_type=kind)
    bench.schedule()
    bench.kill_at(f'volume.create.volume.{moment}')
    bench.work()
    row = bench.row(volume_id)
    assert (row.status, ids(keys)) == ('available', {row.encryption_key_id})
    assert look(bench.image(volume_id), secret_of(keys, row), tmp_path, 'write -P 1 0 64k', 'read -P 1 0 64k') == 0
    bench.all_is_well()


@pytest.mark.parametrize('moment', HERE)
def test_a_death_while_it_is_made_and_then_it_is_to_go(bench, keys, kind, moment):
    volume_id = bench.ask(1, volume_type=kind)
    bench.schedule()
    bench.kill_at(f'volume.create.volume.{moment}')
    volume_delete.delete_volume(bench.ctx, bench.row(volume_id), force=True)
    bench.work()
    assert (bench.count(tables.volumes), bench.images(), ids(keys)) == (0, {}, set())


@pytest.mark.parametrize('moment', HERE)
def test_a_death_while_it_is_made_and_then_it_is_given_up(bench, keys, kind, moment):
    volume_id = bench.ask(1, volume_type=kind)
    bench.schedule()
    bench.kill_at(f'volume.create.volume.{moment}')
    work = bench.claim(workbench.BACKEND, bench.driver)
    handlers.BACKEND[work.job.kind].give_up(work, 'for a test')
    row = bench.row(volume_id)
    assert (row.status, row.encryption_key_id, bench.images(), ids(keys)) == ('error', None, {}, set())


def test_another_pool_is_tried_with_another_key(bench, keys, kind):
    volume_id = bench.ask(1, volume_type=kind)
    bench.schedule()
    bench.work(_Refusing(bench.driver))
    assert (bench.row(volume_id).encryption_key_id, ids(keys)) == (None, set())
    assert keys.asked == ['create_key', 'get', 'delete']
    bench.add_backend('node@more', 100)
    bench.schedule()
    assert bench.row(volume_id).host == 'node@more#p'


class _Refusing(workbench.Broken):
    """A driver that is full; it can encrypt."""

    def __init__(self, driver):
        super().__init__(driver, create_encrypted=exceptions.BackendFull(reason='for a test'))


interface.Encrypts.register(_Refusing)


def test_storage_that_cannot_encrypt_makes_nothing(bench, keys, kind):
    volume_id = bench.ask(1, volume_type=kind)
    bench.schedule()
    bench.work(workbench.Broken(bench.driver))
    assert (bench.row(volume_id).status, bench.images(), ids(keys)) == ('error', {}, set())
    assert bench.messages() == [(volume_id, 'VOLUME_VOLUME_008_101')]


def test_a_type_that_cannot_be_is_never_made_without(bench, keys):
    volume_id = bench.ask(1, volume_type=memory_keys.make_type(bench, provider='plain'))
    bench.schedule()
    bench.work()
    assert (bench.row(volume_id).status, bench.images(), keys.asked) == ('error', {}, [])


@pytest.mark.parametrize('encrypted', [True, False])
def test_nor_of_what_is_encrypted_in_another_way(bench, keys, kind, encrypted):
    other = {'volume_type': kind} if encrypted else {}
    source = bench.create(1, **({} if encrypted else {'volume_type': kind}))
    volume_id = bench.ask(1, bench.source_of(source), **other)
    bench.schedule()
    bench.work()
    assert (bench.row(volume_id).status, set(bench.images())) == ('error', {f'volume-{source}'})
    assert ids(keys) == named(bench)


def test_a_key_manager_that_is_away_is_waited_for(bench, keys, kind):
    volume_id = bench.ask(1, volume_type=kind)
    bench.schedule()
    work = bench.claim(workbench.BACKEND, bench.driver)
    keys.fails = [exception.KeyManagerError(reason='for a test')]
    with pytest.raises(exceptions.KeyManagerUnavailable):
        handlers.BACKEND[work.job.kind].run(work)
    assert bench.row(volume_id).status == 'creating'
    with bench.ctx.writing():
        jobs.put_back(bench.ctx, work.job, 0, failed=True)
    bench.work()
    assert bench.row(volume_id).status == 'available'


def test_a_key_manager_that_refuses(bench, keys, kind):
    volume_id = bench.ask(1, volume_type=kind)
    bench.schedule()
    keys.fails = [exception.Forbidden()] * 9
    bench.work()
    assert (bench.row(volume_id).status, bench.images(), ids(keys)) == ('error', {}, set())
    assert keys.asked == ['create_key']


def test_no_key_manager_at_all(bench, kind):
    volume_id = bench.ask(1, volume_type=kind)
    bench.schedule()
    bench.work()  # another machine may have one
    bench.schedule()
    assert (bench.row(volume_id).status, bench.images()) == ('error', {})


def test_a_worker_that_lost_its_job_takes_its_key_away(bench, keys, kind):
    volume_id = bench.ask(1, volume_type=kind)
    bench.schedule()
    work = bench.claim(workbench.BACKEND, bench.driver)
    real = bench.app.points

    def overtaken(name):
        bench.app.points = real
        with bench.ctx.writing():
            jobs.expire(bench.ctx, 'me')
        bench.work()

    bench.app.points = lambda name: overtaken(name) if name == 'volume.create.volume.before_key' else None
    with pytest.raises(exceptions.LeaseLost):
        handlers.BACKEND[work.job.kind].run(work)
    row = bench.row(volume_id)
    assert (row.status, ids(keys)) == ('available', {row.encryption_key_id})
    assert keys.asked.count('create_key') == 2


# --- deleting
def test_the_key_goes_after_the_image(bench, keys, kind):
    volume_id = bench.create(1, volume_type=kind)
    volume_delete.delete_volume(bench.ctx, bench.row(volume_id))
    bench.kill_at('volume.delete.volume.image_gone')
    assert (bench.images(), len(ids(keys))) == ({}, 1)
    bench.kill_at('volume.delete.volume.effected')
    assert ids(keys) == set()
    bench.work()
    assert bench.count(tables.volumes) == 0


def test_a_volume_whose_image_stays_keeps_its_key(bench, keys, kind):
    volume_id = bench.create(1, volume_type=kind)
    volume_delete.delete_volume(bench.ctx, bench.row(volume_id))
    bench.work(workbench.Broken(bench.driver, delete=exceptions.BackendError(reason='for a test')))
    assert (bench.row(volume_id).status, len(ids(keys))) == ('error_deleting', 1)


def test_a_volume_stays_until_its_key_can_go(bench, keys, kind):
    volume_id = bench.create(1, volume_type=kind)
    volume_delete.delete_volume(bench.ctx, bench.row(volume_id))
    keys.fails = [exception.Forbidden()]
    bench.work()
    assert (bench.row(volume_id).status, len(ids(keys))) == ('error_deleting', 1)
    volume_delete.delete_volume(bench.ctx, bench.row(volume_id))
    bench.work()
    assert (bench.count(tables.volumes), ids(keys)) == (0, set())


# --- what is told of it
def test_secrets_are_nowhere_but_in_the_key_manager(bench, keys, kind, caplog):
    caplog.set_level(0)
    row = bench.row(bench.create(1, volume_type=kind))
    secret = secret_of(keys, row)
    with bench.ctx.reading() as conn:
        told = ''.join(str(tuple(each)) for table in tables.metadata.sorted_tables
                       for each in conn.execute(sa.select(table))) + caplog.text
    assert row.id in told
    assert secret.hex() not in told
    assert str(secret) not in told


# --- another type
def retype(bench, volume_id, kind):
    """Accept another type; returns the scheduler's work on it."""
    row = bench.row(volume_id)
    volume_retype.retype_volume(bench.ctx, row, volume_migrate.payload_of(
        row, 'retyping', kind, {}, policy='never', new_type={'volume_type_id': kind.id, 'multiattach': False}))
    work = bench.claim('scheduler')
    volume_retype.Schedule(bench.picker).run(work)
    return bench.row(volume_id)


def test_another_type_that_is_encrypted_alike(bench, keys, kind):
    volume_id = bench.create(1, volume_type=kind)
    key_id, other = bench.row(volume_id).encryption_key_id, memory_keys.make_type(bench)
    row = retype(bench, volume_id, other)
    assert (row.status, row.volume_type_id, row.encryption_key_id) == ('available', other.id, key_id)
    bench.all_is_well()


def test_a_type_that_became_another_since_it_was_looked_at(bench, keys, kind):
    volume_id = bench.create(1)
    row = retype(bench, volume_id, kind)
    assert (row.status, row.volume_type_id) == ('available', None)
    assert bench.messages() == [(volume_id, 'VOLUME_VOLUME_102_105')]
    bench.all_is_well()

# SPDX-License-Identifier: Apache-2.0
"""Connecting hosts: what is kept of it, what is taken back, who dies in between, and two who want it at once."""

import concurrent.futures
import functools
import uuid

import pytest
import sqlalchemy as sa

import stand_in
import workbench
from blockctl import exceptions
from blockctl.db import jobs
from blockctl.db import qos_specs
from blockctl.db import tables
from blockctl.drivers import interface
from blockctl.flows import handlers
from blockctl.flows import volume_delete
from blockctl.operations import attachments
from blockctl.operations import connections
from blockctl.rpc import transport

HOST = {'host': 'compute-1', 'ip': '127.0.0.1', 'multipath': False, 'mountpoint': '/dev/vdb', 'os_type': 'linux'}


class Exporting:
    """A driver of files that notes which hosts it is exported to: a double, for none of ours exports anything."""

    exports = True

    def __init__(self, driver, fails=None):
        self._driver = driver
        self._fails = fails
        self.hosts = set()

    def __getattr__(self, name):
        return getattr(self._driver, name)

    def connect(self, volume, connector, effect):
        effect.check()
        if self._fails:
            raise self._fails
        self.hosts.add(connector.host)
        return self._driver.connect(volume, connector, effect)

    def disconnect(self, volume, connector, effect):
        effect.check()
        if connector is None:
            self.hosts.clear()
        else:
            self.hosts.discard(connector.host)


interface.Connects.register(Exporting)


class Unable:
    """A driver that cannot connect anybody."""

    def __init__(self, driver):
        self.conf = driver.conf


@pytest.fixture
def bench(app, tmp_path):
    app.policy = stand_in.Anybody()
    return workbench.Bench(app, tmp_path)


@pytest.fixture
def any_bench(any_app, tmp_path):
    any_app.policy = stand_in.Anybody()
    return workbench.Bench(any_app, tmp_path)


@pytest.fixture
def driver(bench):
    return Exporting(bench.driver)


@pytest.fixture
def volume(bench):
    return bench.create(1)


def ask(bench, function, *args, **kw):
    return function(stand_in.make_context(bench.app), *args, **kw)


def served(bench, function, *args, driver=None):
    """What a request that waits returns or raises, while the volume service works."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        request = pool.submit(ask, bench, function, *args)
        while not concurrent.futures.wait([request], timeout=0.01).done:
            with bench.ctx.reading():
                due = jobs.due(bench.ctx, workbench.BACKEND, 1)
            if due:
                bench.work(driver)
        return request.result()


def impatient(bench, function, *args):
    """The same request, which does not wait: its job is there afterwards."""
    transport.response_timeout(bench.app.conf)  # registers it
    bench.app.conf.set_override('rpc_response_timeout', 0)
    try:
        with pytest.raises(exceptions.StillUnderWay):
            ask(bench, function, *args)
    finally:
        bench.app.conf.clear_override('rpc_response_timeout')


def new(volume_id, server=None, **more):
    return attachments.NewAttachment(volume_id, server or str(uuid.uuid4()), **more)


def row(bench, attachment_id):
    with bench.ctx.reading() as conn:
        return conn.execute(sa.select(tables.attachments).where(tables.attachments.c.id == attachment_id)).first()


def states(bench, volume_id):
    found = bench.row(volume_id)
    return found.status, found.attach_status


def live_jobs(bench):
    return bench.count(tables.jobs, tables.jobs.c.outcome.is_(None))


@pytest.mark.parametrize(('consumer', 'told'), [
    ('front-end', {'total_iops_sec': 10, 'read_bytes_sec': '7', 'odd': 'word'}),
    ('both', {'total_iops_sec': 10, 'read_bytes_sec': '7', 'odd': 'word'}),
    ('back-end', None)])
def test_the_host_is_told_its_part_of_qos(bench, consumer, told):
    with bench.ctx.writing() as conn:
        type_id = conn.execute(sa.select(tables.volume_types.c.id)).scalar_one()
        qos_specs.insert(bench.ctx, str(uuid.uuid4()), 'fast', consumer, {
            'total_iops_sec_per_gb': '5', 'read_bytes_sec': '7', 'odd': 'word', 'nothing': None})
        specs_id = conn.execute(sa.select(tables.qos_specs.c.id)).scalar_one()
        qos_specs.associate(bench.ctx, specs_id, type_id)
        kind = conn.execute(sa.select(tables.volume_types)).one()
    volume = bench.create(2, volume_type=kind)
    connected = served(bench, attachments.create, new(volume, connector=HOST))
    assert connected.connection_info['qos_specs'] == told
    other = served(bench, connections.initialize, bench.create(2, volume_type=kind), HOST)
    assert other['data']['qos_specs'] == told
    # What is changed afterwards holds for the next connection.
    with bench.ctx.writing():
        qos_specs.disassociate_all(bench.ctx, specs_id)
    assert row(bench, connected.id).connection_info['qos_specs'] == told


def test_all_the_way_and_back(bench, volume):
    made = ask(bench, attachments.create, new(volume))
    assert (made.attach_status, made.connection_info) == ('reserved', {})
    assert states(bench, volume) == ('reserved', 'reserved')
    connected = served(bench, attachments.update, made.id, HOST)
    assert (connected.attach_status, connected.attached_host, connected.mountpoint, connected.exported) == (
        'attaching', 'compute-1', '/dev/vdb', False)
    assert connected.connection_info == {
        'driver_volume_type': 'local', 'device_path': str(bench.image(volume)), 'volume_id': volume,
        'attachment_id': made.id, 'access_mode': 'rw', 'qos_specs': None, 'encrypted': False, 'cacheable': False,
        'enforce_multipath': False}
    ask(bench, attachments.complete, made.id)
    assert states(bench, volume) == ('in-use', 'attached')
    bench.app.compute.uses = lambda *_: False  # Nova cannot run here
    assert ask(bench, attachments.delete, made.id) == []
    assert states(bench, volume) == ('available', 'detached')
    assert live_jobs(bench) == 0  # nothing was exported: nothing to do
    assert [event for event, _ in bench.app.notifier.events][-4:] == [
        'volume.attach.start', 'volume.attach.end', 'volume.detach.start', 'volume.detach.end']
    bench.all_is_well()


def test_what_was_exported_is_taken_back(bench, volume, driver):
    made = served(bench, attachments.create, new(volume, connector=HOST), driver=driver)
    assert (made.exported, driver.hosts) == (True, {'compute-1'})
    assert served(bench, attachments.remove, volume, made.id, driver=driver) == []
    assert driver.hosts == set()
    assert states(bench, volume) == ('available', 'detached')


def test_a_host_stays_connected_while_another_attachment_needs_it(bench, driver):
    shared = bench.create(1, multiattach=True)
    first = served(bench, attachments.create, new(shared, connector=HOST), driver=driver)
    ask(bench, attachments.complete, first.id)
    second = served(bench, attachments.create, new(shared, connector=HOST), driver=driver)
    served(bench, attachments.remove, shared, first.id, driver=driver)
    assert driver.hosts == {'compute-1'}
    served(bench, attachments.remove, shared, second.id, driver=driver)
    assert driver.hosts == set()


def test_another_host_takes_its_place(bench, volume, driver):
    made = served(bench, attachments.create, new(volume, connector=HOST), driver=driver)
    served(bench, attachments.update, made.id, {'host': 'compute-2'}, driver=driver)
    assert driver.hosts == {'compute-2'}


@pytest.mark.parametrize('broken', [
    lambda driver: Exporting(driver, exceptions.BackendError(reason='asked for')), Unable], ids=['fails', 'unable'])
def test_a_connection_that_fails(bench, volume, broken):
    driver = broken(bench.driver)
    with pytest.raises(exceptions.ConnectionFailed):
        served(bench, attachments.create, new(volume, connector=HOST), driver=driver)
    assert bench.count(tables.attachments) == 0  # nobody knows its id
    assert states(bench, volume) == ('available', 'detached')
    made = ask(bench, attachments.create, new(volume))
    with pytest.raises(exceptions.ConnectionFailed):
        served(bench, attachments.update, made.id, HOST, driver=driver)
    found = row(bench, made.id)
    assert (found.attach_status, found.connector, found.connection_info) == ('reserved', None, {})
    assert states(bench, volume) == ('reserved', 'reserved')
    detail = '101' if broken is Unable else '021'
    assert bench.messages() == [(volume, f'VOLUME_VOLUME_004_{detail}')] * 2
    assert served(bench, attachments.update, made.id, HOST).attach_status == 'attaching'  # and again
    bench.all_is_well()


def test_connecting_again_in_vain_leaves_no_connection(bench, volume, driver):
    attachment = served(bench, attachments.create, new(volume, connector=HOST), driver=driver)
    assert driver.hosts == {'compute-1'}
    driver._fails = exceptions.BackendError(reason='no')
    with pytest.raises(exceptions.ConnectionFailed):
        served(bench, attachments.update, attachment.id, HOST, driver=driver)
    assert row(bench, attachment.id).connector is None
    assert driver.hosts == set()


def test_a_worker_that_dies_after_its_effect_is_followed(bench, volume, driver):
    made = ask(bench, attachments.create, new(volume))
    impatient(bench, attachments.update, made.id, HOST)
    work = bench.claim(workbench.BACKEND, driver)
    handler = handlers.BACKEND[work.job.kind]
    with work.ctx.reading():
        found = handler.read(work.ctx, work.job)
    handler.effect(work, found)  # and no more
    with bench.ctx.writing() as conn:
        conn.execute(sa.update(tables.jobs).values(lease_until=sa.null(), owner=sa.null()))
    bench.work(driver)
    assert row(bench, made.id).attach_status == 'attaching'
    assert driver.hosts == {'compute-1'}
    with pytest.raises(exceptions.LeaseLost):  # the first one, late
        handler.run(work)
    assert row(bench, made.id).exported


def test_a_request_that_gives_up_leaves_no_attachment_that_nobody_knows(bench, volume, driver):
    impatient(bench, attachments.create, new(volume, connector=HOST))
    assert states(bench, volume) == ('detaching', 'detaching')
    driver.hosts.add('compute-1')  # the worker that lost the job was faster
    bench.work(driver)
    assert driver.hosts == set()
    assert bench.count(tables.attachments) == 0
    assert states(bench, volume) == ('available', 'detached')
    bench.all_is_well()


def test_detached_while_it_is_connected(bench, volume, driver):
    """The worker's late word does not count; what it did is taken back."""
    made = ask(bench, attachments.create, new(volume))
    impatient(bench, attachments.update, made.id, HOST)
    late = bench.claim(workbench.BACKEND, driver)
    impatient(bench, attachments.remove, volume, made.id)
    with pytest.raises((exceptions.LeaseLost, exceptions.InvalidState)):
        handlers.BACKEND[late.job.kind].run(late)
    assert driver.hosts == {'compute-1'}
    bench.work(driver)
    assert driver.hosts == set()
    assert row(bench, made.id) is None
    assert states(bench, volume) == ('available', 'detached')
    assert live_jobs(bench) == 0


def test_deleting_twice_waits_for_the_same(bench, volume, driver):
    made = served(bench, attachments.create, new(volume, connector=HOST), driver=driver)
    impatient(bench, attachments.remove, volume, made.id)
    impatient(bench, attachments.remove, volume, made.id)
    assert live_jobs(bench) == 1
    bench.work(driver)
    assert row(bench, made.id) is None


def test_a_backend_that_nobody_serves(bench, volume, driver):
    """The attachment is reserved again, or goes; what may be there is taken back when the backend returns."""
    made = ask(bench, attachments.create, new(volume))
    impatient(bench, attachments.update, made.id, HOST)
    bench.unserved()
    assert row(bench, made.id).attach_status == 'reserved'
    driver.hosts.add('compute-1')
    bench.work(driver)
    assert driver.hosts == set()
    assert (row(bench, made.id).attach_status, live_jobs(bench)) == ('reserved', 0)
    served(bench, attachments.update, made.id, HOST, driver=driver)
    impatient(bench, attachments.remove, volume, made.id)
    bench.unserved()
    assert row(bench, made.id) is None
    assert states(bench, volume) == ('available', 'detached')
    assert driver.hosts == {'compute-1'}
    bench.work(driver)
    assert (driver.hosts, live_jobs(bench)) == (set(), 0)


def test_a_volume_that_is_gone_has_no_connection(bench, volume, driver):
    made = served(bench, attachments.create, new(volume, connector=HOST), driver=driver)
    impatient(bench, attachments.remove, volume, made.id)
    bench.unserved()
    with bench.ctx.writing() as conn:
        conn.execute(sa.delete(tables.volumes).where(tables.volumes.c.id == volume))
    bench.work(driver)
    assert live_jobs(bench) == 0


def test_other_work_keeps_the_volume_s_status(bench, volume):
    made = served(bench, attachments.create, new(volume, connector=HOST))
    ask(bench, attachments.complete, made.id)
    with bench.ctx.writing() as conn:
        conn.execute(sa.update(tables.volumes).values(status='extending'))
    ask(bench, attachments.remove, volume, made.id)
    assert states(bench, volume) == ('extending', 'detached')


def test_a_connection_without_an_attachment(bench, volume, driver):
    answer = served(bench, connections.initialize, volume, HOST, driver=driver)
    assert answer == {'driver_volume_type': 'local', 'enforce_multipath': False, 'data': {
        'device_path': str(bench.image(volume)), 'volume_id': volume, 'access_mode': 'rw', 'qos_specs': None,
        'encrypted': False, 'cacheable': False, 'enforce_multipath': False}}
    assert bench.count(tables.answers) == 0
    assert driver.hosts == {'compute-1'}
    served(bench, connections.terminate, volume, None, driver=driver)
    assert driver.hosts == set()
    impatient(bench, connections.initialize, volume, HOST)
    with pytest.raises(exceptions.InvalidState):  # meanwhile it stays
        ask(bench, volume_delete.delete_volume, bench.row(volume))
    bench.work(Exporting(bench.driver, exceptions.BackendError(reason='asked for')))
    ask(bench, volume_delete.delete_volume, bench.row(volume))


@pytest.mark.parametrize('connector', [None, HOST], ids=['reserved', 'connected'])
def test_of_two_servers_one_gets_it(any_bench, connector):
    volume = any_bench.create(1)
    calls = [functools.partial(attachments._accept, stand_in.make_context(any_bench.app),
                               new(volume, connector=connector)) for _ in range(3)]
    outcomes = workbench.race(*calls)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ['InvalidState', 'InvalidState', 'tuple']
    assert any_bench.count(tables.attachments) == 1


def test_a_server_gets_it_or_it_goes(any_bench):
    volume = any_bench.create(1)
    before = any_bench.row(volume)
    attached, deleted = workbench.race(
        lambda: ask(any_bench, attachments.create, new(volume)),
        lambda: ask(any_bench, volume_delete.delete_volume, before))
    assert isinstance(attached, exceptions.InvalidState) != isinstance(deleted, exceptions.InvalidState)
    status = any_bench.row(volume).status
    assert status == ('deleting' if isinstance(attached, exceptions.InvalidState) else 'reserved')


def test_of_two_that_detach_one_does(any_bench):
    volume = any_bench.create(1)
    made = ask(any_bench, attachments.create, new(volume))
    calls = [functools.partial(attachments.remove, stand_in.make_context(any_bench.app), volume, made.id)
             for _ in range(2)]
    outcomes = workbench.race(*calls)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ['AttachmentNotFound', 'list']
    assert states(any_bench, volume) == ('available', 'detached')


def test_detaching_and_beginning_to(any_bench):
    """Whoever is first: it is free at last, never left 'detaching' without an attachment."""
    volume = any_bench.create(1)
    ask(any_bench, connections.attach, volume, '/dev/vdb', 'rw', str(uuid.uuid4()))
    with any_bench.ctx.reading() as conn:
        attachment_id = conn.execute(sa.select(tables.attachments.c.id)).scalar_one()
    begun, detached = workbench.race(
        lambda: ask(any_bench, connections.begin_detaching, volume),
        lambda: ask(any_bench, attachments.remove, volume, attachment_id))
    assert detached == []
    assert begun is None or isinstance(begun, exceptions.InvalidState)
    assert states(any_bench, volume) == ('available', 'detached')

# SPDX-License-Identifier: Apache-2.0
"""Hosts use volumes: all services here, LVM and its targets in the guest, and there os-brick, as compute hosts have it.
"""

import concurrent.futures
import contextlib
import os
import uuid

import pytest

from blockctl.drivers import interface
from tests.contract import stands
from tests.harness import invariants
from tests.harness import polling
from tests.harness import rest
from tests.lvm import machines

if not (stands.STORAGE_VM and machines.BRICK):
    pytest.skip('it takes the guest of tools/storage_vm, with os-brick: eval "$(tools/storage_vm start FILE)"',
                allow_module_level=True)

GIB = 1 << 30
GROUP = os.environ['BLOCKCTL_TEST_STORAGE_VM_GROUP']
PATIENT = 200  # seconds: what takes a second elsewhere takes many in the guest

SECOND = {'target_secondary_ip_addresses': '127.0.0.2'}
ISCSI = {'use_chap_auth': True, **SECOND}
TGT = {'target_helper': 'tgtadm', 'target_port': machines.TGTD_PORT}
NVME = {'target_helper': 'nvmet', 'target_protocol': 'nvmet_tcp', 'target_port': 4420, **SECOND}

#: (what os-brick calls it, options)
WAYS = {'iscsi': ('ISCSI', {**ISCSI, 'lvm_type': 'thin'}), 'nvme': ('NVMEOF', {**NVME, 'lvm_type': 'thin'}),
        'iscsi-thick': ('ISCSI', {**ISCSI, 'lvm_type': 'default'}),
        'tgt': ('ISCSI', {**ISCSI, **TGT, 'lvm_type': 'thin'})}

NOTHING = {'volumes': {}, 'targets': [], 'sessions': [], 'devices': [], 'nodes': []}


class Attached:
    """A volume attached to the host, in a ``with`` block."""

    def __init__(self, client, host, protocol, volume_id, *, multipath=False):
        self.client, self.host, self.protocol, self.multipath = client, host, protocol, multipath
        connector = {**host.ask('properties'), 'multipath': multipath}
        self.attachment = attach(client, volume_id, connector)
        self.data = self.attachment['connection_info']

    def __enter__(self):
        self.information = self.host.ask('connect', protocol=self.protocol, data=self.data, multipath=self.multipath)
        self.device = self.information['path']
        self.client.ask('POST', f'/attachments/{self.attachment["id"]}/action', {'os-complete': {}})
        return self

    def __exit__(self, *_error):
        self.host.ask('disconnect', protocol=self.protocol, data=self.data, device=self.information,
                      multipath=self.multipath)
        detach(self.client, self.attachment)

    def grown(self):
        """Bytes that the host finds when it is told to look."""
        return self.host.ask('extend', protocol=self.protocol, data={**self.data, 'device_path': self.device})

    def write(self, pattern):
        assert self.host.io(self.device, f'write -P {pattern} 1M 64k')

    def holds(self, pattern):
        return self.host.io(self.device, f'read -P {pattern} 1M 64k')


def attach(client, volume_id, connector):
    return client.ask('POST', '/attachments', {'attachment': {
        'volume_uuid': volume_id, 'instance_uuid': volume_id, 'connector': connector}})['attachment']


def detach(client, attachment):
    client.ask('DELETE', f'/attachments/{attachment["id"]}')


def made(client, **fields):
    return client.until(client.create(**fields)['id'], 'available', PATIENT)['id']


def snapshot_of(client, volume_id):
    """Of a volume in use."""
    made = client.ask('POST', '/snapshots', {'snapshot': {'volume_id': volume_id, 'force': True}})['snapshot']['id']
    until_snapshot(client, made, 'available')
    return made


def until_snapshot(client, snapshot_id, status):
    """Wait for a snapshot to have ``status`` (None: to be gone)."""
    def look():
        try:
            return client.ask('GET', f'/snapshots/{snapshot_id}')['snapshot']['status'] == status
        except rest.Refused as error:
            return error.code == 404 and status is None

    polling.until(look, PATIENT, f'snapshot that is {status or "gone"}')


@pytest.fixture(scope='module', params=[
    'iscsi', 'nvme', *(pytest.param(name, marks=pytest.mark.slow) for name in ('iscsi-thick', 'tgt'))])
def installation(request, guest, make_cloud):
    """(all services in one process, what os-brick calls the protocol)"""
    protocol, options = WAYS[request.param]
    with guest.tgtd() if request.param == 'tgt' else contextlib.nullcontext():
        assert guest.left() == NOTHING, 'something is left of other tests'
        with make_cloud(**options) as cloud:
            yield cloud, protocol


@pytest.fixture
def cloud(installation, request):
    request.node.clouds = [installation[0]]
    return installation[0]


@pytest.fixture
def client(cloud):
    return cloud.client(timeout=PATIENT + 30)


@pytest.fixture
def protocol(installation):
    return installation[1]


def by(*names):
    """Installations that a test is for."""
    return pytest.mark.parametrize('installation', names, indirect=True)


def gone(client, cloud, guest, *volume_ids):
    """Delete volumes; then nothing may be left of them, nor of the connections they had."""
    for volume_id in volume_ids:
        client.delete(volume_id)
    for volume_id in volume_ids:
        client.until(volume_id, None, PATIENT)
    assert guest.left() == NOTHING
    invariants.check(cloud, PATIENT)


def test_from_create_to_delete(client, cloud, protocol, host, guest):
    volume = made(client, size=1)
    with Attached(client, host, protocol, volume) as attached:
        assert host.size(attached.device) == GIB
        attached.write(0x42)
        snapshot = snapshot_of(client, volume)
        attached.write(0x43)
        from_snapshot = made(client, size=1, snapshot_id=snapshot)
        clone = made(client, size=2, source_volid=from_snapshot)
        with Attached(client, host, protocol, clone) as other:
            assert other.device != attached.device
            assert host.size(other.device) == 2 * GIB
            assert other.holds(0x42)
            other.write(0x44)
        assert attached.holds(0x43)
        client.ask('DELETE', f'/snapshots/{snapshot}')
        until_snapshot(client, snapshot, None)
        client.ask('POST', f'/volumes/{volume}/action', {'os-extend': {'new_size': 3}})
        client.until(volume, 'in-use', PATIENT)
        if protocol == 'NVMEOF':  # which tells hosts; those of iSCSI have to ask
            polling.until(lambda: host.size(attached.device) == 3 * GIB, 20, 'sign of growth')
        assert attached.grown() == 3 * GIB
        assert host.size(attached.device) == 3 * GIB
        assert attached.holds(0x43)
    gone(client, cloud, guest, volume, from_snapshot, clone)


@pytest.mark.slow
@by('iscsi', 'tgt')
def test_a_host_has_its_own_secret(client, cloud, host, guest):
    volume = made(client)
    connector = host.ask('properties')
    other = attach(client, volume, {**connector, 'host': 'other', 'initiator': f'{connector["initiator"]}-other'})
    theirs = other['connection_info']
    assert login(guest, theirs) in REFUSED  # it is not that host
    detach(client, other)
    attachment = attach(client, volume, connector)
    data = attachment['connection_info']
    assert data['auth_password'] != theirs['auth_password']
    assert login(guest, {**data, 'auth_password': theirs['auth_password']}) == AUTHORIZATION_FAILURE
    assert login(guest, data) == 0
    logout(guest, data)
    detach(client, attachment)
    assert guest.targets() == []
    gone(client, cloud, guest, volume)


@pytest.mark.slow
@by('nvme')
def test_a_host_has_its_own_volumes_by_nvme(client, cloud, host, guest):
    volume = made(client)
    connector = host.ask('properties')
    other = attach(client, volume, {**connector, 'host': 'other', 'nqn': f'{connector["nqn"]}-other'})
    refused(host, 'NVMEOF', {**other['connection_info'], 'host_nqn': connector['nqn']})
    detach(client, other)
    attachment = attach(client, volume, connector)
    detach(client, attachment)
    refused(host, 'NVMEOF', attachment['connection_info'])
    gone(client, cloud, guest, volume)


#: iscsiadm(8): authorization failure, and a fatal error in logging in: tgtd says that there is no such target.
AUTHORIZATION_FAILURE = 24
REFUSED = (AUTHORIZATION_FAILURE, 19)


def login(guest, data):
    """The exit status of iscsiadm. (os-brick gives up only after minutes, when it is refused.)"""
    node = node_of(data)
    guest.run(*node, '-o', 'new')
    for name, value in (('authmethod', 'CHAP'), ('username', data['auth_username']),
                        ('password', data['auth_password'])):
        guest.run(*node, '-o', 'update', '-n', f'node.session.auth.{name}', '-v', value)
    status = int(guest.run('sh', '-c', '"$@" >&2; echo $?', 'sh', *node, '--login'))
    if status:
        guest.run(*node, '-o', 'delete')
    return status


def logout(guest, data):
    guest.run(*node_of(data), '--logout')
    guest.run(*node_of(data), '-o', 'delete')


def node_of(data):
    return ['iscsiadm', '-m', 'node', '-T', data['target_iqn'], '-p', data['target_portal']]


def refused(host, protocol, data):
    with pytest.raises(machines.Failed):
        host.ask('connect', protocol=protocol, data=data)


@pytest.mark.slow
@by('nvme')
def test_a_host_with_several_ways_uses_all_by_nvme(client, cloud, host, guest):
    volume = made(client)
    with Attached(client, host, 'NVMEOF', volume, multipath=True) as attached:
        assert len(guest.sessions()) == 2
        attached.write(0x42)
        assert attached.holds(0x42)
    gone(client, cloud, guest, volume)


@pytest.mark.slow
@by('iscsi', 'tgt')
def test_a_host_with_several_ways_uses_all(client, cloud, host, guest):
    """But not by os-brick, which wants multipathd for it."""
    volume = made(client)
    attachment = attach(client, volume, {**host.ask('properties'), 'multipath': True})
    data = attachment['connection_info']
    portals = data['target_portals']
    assert [portal.rpartition(':')[0] for portal in portals] == ['10.0.2.15', '127.0.0.2']
    # LIO tells of all ways, tgtd of that by which it is asked.
    found = [guest.run('iscsiadm', '-m', 'discovery', '-t', 'st', '-p', portal) for portal in portals]
    assert all(f'{portal},1 {data["target_iqn"]}' in said for portal, said in zip(portals, found, strict=True))
    ways = [{**data, 'target_portal': portal} for portal in portals]
    assert [login(guest, way) for way in ways] == [0, 0]
    assert guest.sessions() == [data['target_iqn']] * 2
    for way in ways:
        logout(guest, way)
    detach(client, attachment)
    gone(client, cloud, guest, volume)


WRITES = """
import concurrent.futures, mmap, os, sys

def write(worker):
    page, count = mmap.mmap(-1, 4096), 0
    while not os.path.exists('/run/enough'):
        page[:8] = count.to_bytes(8, 'big')
        os.pwrite(device, page, (count % 100 + worker * 100) * 4096)
        count += 1
    for last in range(count - 100, count):
        os.preadv(device, [page], (last % 100 + worker * 100) * 4096)
        assert page[:8] == last.to_bytes(8, 'big')
    return count

device = os.open(sys.argv[1], os.O_RDWR | os.O_DIRECT)
with concurrent.futures.ThreadPoolExecutor(16) as pool:
    print(min(pool.map(write, range(16))))
"""


@pytest.mark.slow
@by('iscsi', 'tgt')
def test_what_is_written_while_a_volume_grows_is_written(client, cloud, host, guest):
    """tgtd opens the device anew; there must be no error for it, and nothing lost."""
    volume = made(client)
    with Attached(client, host, 'ISCSI', volume) as attached, concurrent.futures.ThreadPoolExecutor(1) as pool:
        guest.run('rm', '-f', '/run/enough')
        writes = pool.submit(guest.run, '/usr/bin/python3', '-c', WRITES, attached.device)
        try:
            for size in (2, 3):
                client.ask('POST', f'/volumes/{volume}/action', {'os-extend': {'new_size': size}})
                client.until(volume, 'in-use', PATIENT)
                assert attached.grown() == size * GIB
        finally:
            guest.run('touch', '/run/enough')
        assert int(writes.result()) > 100
    gone(client, cloud, guest, volume)


#: tests/unit/drivers/test_targets.py has more.
NAMES = ['--help', 'iqn.1993-08.org.debian:01;reboot', 'iqn.1993-08.org.debian:01\niqn.1993-08.org.debian:02',
         'nqn.2014-08.org.nvmexpress:uuid:1\nnqn.2014-08.org.nvmexpress:uuid:2']


@pytest.mark.slow
@by('iscsi', 'nvme', 'tgt')
def test_a_name_that_is_none_is_refused_and_exports_nothing(client, cloud, guest):
    volume = made(client)
    for name in NAMES:
        with pytest.raises(rest.Refused) as refused:
            attach(client, volume, {'host': 'h', 'initiator': name, 'nqn': name})
        assert refused.value.code == 400
        assert client.until(volume, 'available', PATIENT)
    assert guest.targets() == []
    gone(client, cloud, guest, volume)


FOREIGN = """cd /sys/kernel/config/nvmet
rmdir ports/* || :
mkdir subsystems/nqn.2026-11.org.example:theirs ports/7 ports/1
for pair in trtype=tcp adrfam=ipv4 traddr=10.0.2.15 trsvcid=4420; do echo "${pair#*=}" >"ports/7/addr_${pair%=*}"; done
"""


@pytest.mark.slow
def test_subsystems_and_ports_of_others_are_let_be(guest):
    """Also a port that somebody has begun to make is taken for no other address."""
    guest.run('lvcreate', '-y', '-L', '64m', '-n', 'volume-1', GROUP)
    ours = ['--nqn', 'nqn.2010-10.org.openstack:volume-1']
    try:
        guest.run('sh', '-ec', FOREIGN)
        guest.run('blockctl-nvmetool', 'export', *ours, '--host', 'nqn.2014-08.org.example:h', '--device',
                  f'/dev/{GROUP}/volume-1', '--uuid', str(uuid.uuid4()), '--portal', '10.0.2.15:4420', '--portal',
                  '127.0.0.2:4420')
        assert [target['nqn'] for target in guest.targets()] == ours[1:]
        linked = guest.run('sh', '-c', 'cd /sys/kernel/config/nvmet/ports; ls -d */subsystems/*')
        assert linked.split() == [f'{port}/subsystems/{ours[1]}' for port in (1, 7)]
        guest.run('blockctl-nvmetool', 'revoke', *ours, '--unused')
    finally:
        guest.run('blockctl-nvmetool', 'revoke', *ours)
        guest.run('sh', '-ec', 'cd /sys/kernel/config/nvmet; rmdir subsystems/nqn.2026-11.org.example:theirs ports/*')
        guest.run('lvremove', '-f', '-y', f'{GROUP}/volume-1')


@pytest.fixture
def storage(request, tmp_path, guest):
    """The driver alone, its targets by the helper that the parameter names."""
    with guest.tgtd() if request.param == 'tgtadm' else contextlib.nullcontext():
        stand = stands.LVMStand('lvm-thin', tmp_path / 'locks')
        stand.driver = stand.another(**HELPERS[request.param])
        yield stand
        stand.driver.disconnect(stand.exported, None, stand.effect())
        stand.stop()
        assert guest.left() == NOTHING


HELPERS = {'lioadm': {}, 'nvmet': {'target_helper': 'nvmet', 'target_protocol': 'nvmet_tcp', 'target_port': 4420},
           'tgtadm': {**TGT, 'volumes_dir': machines.SERVED}}

#: How a machine forgets its targets: configfs is empty after a reboot, and tgtd when it is started; files are not.
FORGET = {
    'lioadm': ['python3', '-c', 'import rtslib_fb; rtslib_fb.RTSRoot().clear_existing(confirm=True)'],
    'tgtadm': ['sh', '-ec', f'kill -9 $(pidof tgtd); {machines.START_TGTD}'],
    'nvmet': ['sh', '-ec', """cd /sys/kernel/config/nvmet
                              rm ports/*/subsystems/* subsystems/*/allowed_hosts/*
                              rmdir subsystems/*/namespaces/* subsystems/* hosts/* ports/*"""]}


@pytest.mark.slow
@pytest.mark.parametrize('storage', FORGET, indirect=True)
def test_what_was_exported_is_so_after_a_reboot(storage, guest, request):
    helper = request.node.callspec.params['storage']
    volume = storage.exported = storage.made()
    lost = storage.made()
    connector = interface.Connector(host='h', initiator='iqn.1993-08.org.debian:01:h', nqn='nqn.2014-08.org.example:h')
    for each in (lost, volume):
        storage.driver.connect(each, connector, storage.effect())
    before = [target for target in guest.targets() if volume.name in str(target)]
    guest.run(*FORGET[helper])
    assert guest.targets() == []
    guest.run('lvremove', '-f', '-y', f'{storage.group}/{lost.name}')
    storage.driver.start()  # one volume that is gone keeps no other from its hosts
    assert [target for target in guest.targets() if volume.name in str(target)] == before
    storage.driver.start()  # nor does a second start
    storage.driver.disconnect(lost, None, storage.effect())
    assert guest.targets() == before


@pytest.mark.slow
@pytest.mark.parametrize('storage', ['tgtadm'], indirect=True)
def test_what_starts_tgtd_makes_its_targets_again(storage, guest):
    """As the distribution's package does. tgt-admin wants to let in an address, too: it is that of nobody."""
    volume = storage.exported = storage.made()
    storage.driver.connect(volume, interface.Connector(host='h', initiator='iqn.1993-08.org.debian:01:h'),
                           storage.effect())
    [before] = guest.targets()
    guest.run(*FORGET['tgtadm'])
    guest.run('tgt-admin', '--execute', '--conf', machines.INCLUDES)
    assert guest.targets() == [{**before, 'initiators': ['0.0.0.0', *before['initiators']]}]
    storage.driver.start()
    assert guest.targets() == [before]

# SPDX-License-Identifier: Apache-2.0
"""What targets ask of their programs and tell hosts; the kernel's own are in tests/lvm/test_hosts.py."""

import dataclasses
import itertools

import pytest
from oslo_config import cfg

from blockctl import exceptions
from blockctl.conf import backend
from blockctl.drivers import interface
from blockctl.drivers.targets import iscsi
from blockctl.drivers.targets import nvmet
from blockctl.drivers.targets import options
from blockctl.drivers.targets import serving
from blockctl.drivers.targets import tgt

INITIATOR = 'iqn.1993-08.org.debian:01:host'
NQN = 'nqn.2014-08.org.nvmexpress:uuid:0d1f4c3e-1111-4222-8333-444455556666'
VOLUME = interface.Volume(id='0d1f4c3e-aaaa-4222-8333-444455556666', size=1, pool='disks', name='volume-1')
HOST = interface.Connector(host='host', initiator=INITIATOR, nqn=NQN)

#: What may come as the name of a host, and is none.
BAD = [None, '', ' ', '--help', '-f', 'nobody', 'iqn.1993-08.org.debian:01;rm -rf /', 'iqn.1993-08.org.debian:$(id)',
       'iqn.1993-08.org.debian:a/../b', 'iqn.1993-08.org.debian:01\n', 'iqn.1993-08.org.debian:01\x00',
       'iqn.2004-10.com.example:' + 'x' * 223, 'nqn.2014-08.org.nvmexpress:uuid:1\nnqn.2014-08.org.nvmexpress:uuid:2',
       'nqn.2014-08.org.nvmexpress:uuid:1\n', 'nqn.2014-08.org.nvmexpress:uuid:1 --unused', 'nqn.2014-08.org/..:x',
       'nqn.2014-08.org.nvmexpress:\u0661', 'nqn.2014-08.org.nvmexpress:' + 'x' * 223]


class Noting:
    """Stands in for the way to a machine with targets: notes what would be run there."""

    def __init__(self):
        self.calls, self.environments = [], []

    def run(self, *arguments, environment=None):
        self.calls.append(arguments)
        self.environments.append(environment)


@pytest.fixture
def noting():
    return Noting()


@pytest.fixture
def section(tmp_path):
    """section(**values): a backend's."""
    def make(**values):
        conf = cfg.ConfigOpts()
        conf.register_opts([cfg.StrOpt('my_ip', default='192.0.2.1'), cfg.StrOpt('state_path', default=str(tmp_path))])
        conf.register_opts([*backend.OPTIONS, *options.OPTIONS], 'disks')
        conf([], default_config_files=[], default_config_dirs=[])
        for name, value in values.items():
            conf.set_override(name, value, 'disks')
        return backend.Section(conf, 'disks')
    return make


@pytest.fixture
def nvme(section):
    """nvme(**values): a section for targets of NVMe."""
    return lambda **values: section(target_helper='nvmet', target_protocol='nvmet_tcp', target_port=4420, **values)


def pairs(arguments, name):
    """The values of each option ``name``."""
    return [value for option, value in itertools.pairwise(arguments) if option == name]


def test_what_a_host_is_told_of_nvme(nvme, noting):
    target = serving.target(nvme(target_secondary_ip_addresses=['2001:db8:0::1']), noting)
    assert target.export(VOLUME, '/dev/disks/volume-1', HOST) == {'driver_volume_type': 'nvmeof', 'data': {
        'target_nqn': 'nqn.2010-10.org.openstack:volume-1', 'vol_uuid': VOLUME.id, 'ns_id': 10, 'host_nqn': NQN,
        'portals': [['192.0.2.1', 4420, 'tcp'], ['2001:db8::1', 4420, 'tcp']], 'discard': True}}
    [arguments] = noting.calls
    assert arguments[:2] == ('blockctl-nvmetool', 'export')
    assert pairs(arguments, '--portal') == ['192.0.2.1:4420', '[2001:db8::1]:4420']
    assert pairs(arguments, '--host') == [NQN]
    assert pairs(arguments, '--uuid') == [VOLUME.id]


def test_an_address_given_twice_is_one_portal(nvme, noting):
    target = nvmet.Target(nvme(target_secondary_ip_addresses=['192.0.2.1', '192.0.2.2']), noting)
    info = target.export(VOLUME, '/dev/disks/volume-1', HOST)
    assert [portal[0] for portal in info['data']['portals']] == ['192.0.2.1', '192.0.2.2']


@pytest.mark.parametrize('prefix', ['iqn.2026-11.org.example:', 'nqn.2026-11.org.example:'])
def test_an_nqn_is_made_of_either_prefix(nvme, noting, prefix):
    info = nvmet.Target(nvme(target_prefix=prefix), noting).export(VOLUME, '/dev/disks/volume-1', HOST)
    assert info['data']['target_nqn'] == 'nqn.2026-11.org.example:volume-1'


@pytest.mark.parametrize('name', BAD)
def test_a_name_that_is_none_reaches_no_command(section, nvme, noting, name):
    host = interface.Connector(host='host', initiator=name, nqn=name)
    for target, field in ((iscsi.Target(section(), noting), 'connector.initiator'),
                          (tgt.Target(section(), noting), 'connector.initiator'),
                          (nvmet.Target(nvme(), noting), 'connector.nqn')):
        for call in (lambda target=target: target.export(VOLUME, '/dev/disks/volume-1', host),
                     lambda target=target: target.revoke(VOLUME, host)):
            with pytest.raises(exceptions.InvalidField, match=field):
                call()
    assert noting.calls == []


@pytest.mark.parametrize('name', [
    INITIATOR, 'iqn.1991-05.com.microsoft:HOST.example', 'eui.02004567A425678D', 'naa.52004567BA64678D',
    'naa.62004567BA64678D0123456789ABCDEF'])
def test_names_of_iscsi(section, noting, name):
    for target in (iscsi.Target, tgt.Target):
        target(section(), noting).revoke(VOLUME, interface.Connector(host='host', initiator=name))
    assert [pairs(call, '--initiator') for call in noting.calls] == [[name], [name]]


@pytest.mark.parametrize('name', [NQN, 'nqn.2014-08.com.example:nvme:host.sys_1=a'])
def test_names_of_nvme(nvme, noting, name):
    nvmet.Target(nvme(), noting).revoke(VOLUME, interface.Connector(host='host', nqn=name))
    assert pairs(noting.calls[0], '--host') == [name]


def test_every_host_is_named_by_none(section, nvme, noting):
    iscsi.Target(section(), noting).revoke(VOLUME)
    tgt.Target(section(), noting).revoke(VOLUME)
    nvmet.Target(nvme(), noting).revoke(VOLUME)
    assert not {'--initiator', '--host'} & {word for call in noting.calls for word in call}


def test_iser(section, noting):
    target = serving.target(section(target_protocol='iser'), noting)
    assert target.export(VOLUME, '/dev/disks/volume-1', HOST)['driver_volume_type'] == 'iser'
    assert '--iser' in noting.calls[0]


def test_what_a_host_is_told_of_tgt(section, noting, tmp_path):
    conf = section(target_helper='tgtadm', target_secondary_ip_addresses=['192.0.2.2'], iscsi_target_flags='direct')
    target = serving.target(conf, noting)
    iqn, both = 'iqn.2010-10.org.openstack:volume-1', ['192.0.2.1:3260', '192.0.2.2:3260']
    told = target.export(VOLUME, '/dev/disks/volume-1', dataclasses.replace(HOST, multipath=True))
    assert told == {'driver_volume_type': 'iscsi', 'data': {
        'target_discovered': False, 'target_iqn': iqn, 'target_portal': both[0], 'target_lun': 1,
        'volume_id': VOLUME.id, 'discard': False,
        'target_portals': both, 'target_iqns': [iqn, iqn], 'target_luns': [1, 1]}}
    target.start()
    target.resized(VOLUME)
    assert [call[:2] for call in noting.calls] == [
        ('blockctl-tgttool', verb) for verb in ('export', 'restore', 'resized')]
    assert [pairs(call, '--directory') for call in noting.calls] == [[str(tmp_path / 'volumes')]] * 3
    assert [pairs(call, '--portal') for call in noting.calls] == [both, both, []]
    assert pairs(noting.calls[0], '--uuid') == [VOLUME.id]
    assert pairs(noting.calls[0], '--flags') == ['direct']


def test_a_user_of_tgt_is_of_one_volume_host_and_secret(section, noting):
    """tgtd knows a user once, for all targets."""
    users = set()
    for values in ({}, {'chap_password_len': 16}, {'chap_username': 'me'},
                   {'chap_username': 'me', 'chap_password': 'x'}):
        target = tgt.Target(section(use_chap_auth=True, **values), noting)
        for volume in (VOLUME, dataclasses.replace(VOLUME, name='volume-2')):
            for name in (INITIATOR, f'{INITIATOR}-2'):
                told = target.export(volume, '/dev/x', dataclasses.replace(HOST, initiator=name))['data']
                assert told['auth_username'].startswith(values.get('chap_username', ''))
                assert noting.environments[-1] == {'BLOCKCTL_CHAP_SECRET': told['auth_password']}
                assert told['auth_password'] not in noting.calls[-1]
                assert pairs(noting.calls[-1], '--user') == [told['auth_username']]
                users.add(told['auth_username'])
    assert len(users) == 16


@pytest.mark.parametrize(('name', 'value'), [
    ('chap_password', 'a secret'), ('chap_password', 'a,secret'), ('chap_password', '$(id)'), ('chap_username', "o'me"),
    ('volumes_dir', 'relative')])
def test_what_tgt_cannot_pass_on(section, noting, name, value):
    with pytest.raises(exceptions.ConfigurationError, match=name) as told:
        tgt.Target(section(**{name: value}), noting)
    assert value not in str(told.value)


@pytest.mark.parametrize(('helper', 'protocol'), [
    ('lioadm', 'nvmet_tcp'), ('nvmet', 'iscsi'), ('nvmet', 'iser'), ('tgtadm', 'iser'), ('tgtadm', 'nvmet_tcp')])
def test_a_protocol_that_the_helper_does_not_speak(section, noting, helper, protocol):
    with pytest.raises(exceptions.ConfigurationError, match=helper):
        serving.target(section(target_helper=helper, target_protocol=protocol), noting)


@pytest.mark.parametrize(('helper', 'protocol', 'told'), [
    ('lioadm', 'iscsi', 'iSCSI'), ('tgtadm', 'iscsi', 'iSCSI'), ('lioadm', 'iser', 'iSER'),
    ('nvmet', 'nvmet_tcp', 'NVMe-oF')])
def test_what_reports_call_a_protocol(section, helper, protocol, told):
    assert serving.storage_protocol(section(target_helper=helper, target_protocol=protocol)) == told

# SPDX-License-Identifier: Apache-2.0
"""blockctl-nvmetool after kills, and beside others: what cannot be brought about in the guest of tests/lvm."""

import errno
import json
import pathlib
import shutil

import pytest

from blockctl.cmd import nvmetool

HOST, OTHER = 'nqn.2014-08.org.example:host', 'nqn.2014-08.org.example:other'
UUID = '0d1f4c3e-1111-4222-8333-444455556666'

#: What configfs puts into new directories, by where they are.
CHILDREN = {'subsystems': ('allowed_hosts', 'namespaces'), 'ports': ('subsystems',)}


class Kernel(type(pathlib.Path())):
    """Stands in for a path of configfs: directories come and go with what is in them."""

    def mkdir(self, mode=0o777, parents=False, exist_ok=False):
        super().mkdir(mode, parents, exist_ok)
        for name in CHILDREN.get(self.parent.name, ()):
            super(Kernel, self / name).mkdir(exist_ok=True)

    def rmdir(self):
        if self.parent.name == 'hosts' and list(self.parent.parent.glob(f'subsystems/*/allowed_hosts/{self.name}')):
            raise OSError(errno.EBUSY, 'it is linked to')
        shutil.rmtree(self)

    def write_text(self, data, encoding=None, errors=None, newline=None):
        if self.name == 'enable' and not pathlib.Path((self.parent / 'device_path').read_text()).exists():
            raise FileNotFoundError(errno.ENOENT, 'no such device')
        return super().write_text(data, encoding, errors, newline)


@pytest.fixture
def root(tmp_path, monkeypatch):
    for name in ('subsystems', 'hosts', 'ports'):
        (tmp_path / 'nvmet' / name).mkdir(parents=True)
    monkeypatch.setattr(nvmetool, 'ROOT', Kernel(tmp_path / 'nvmet'))
    monkeypatch.setattr(nvmetool, 'SAVED', tmp_path / 'etc' / 'blockctl.json')
    monkeypatch.setattr(nvmetool, 'CONNECTED', tmp_path / 'debug')
    monkeypatch.setattr(nvmetool.targettool, '_LOCK', str(tmp_path / 'lock'))
    for name in ('a', 'b'):
        (tmp_path / name).touch()
    return nvmetool.ROOT


@pytest.fixture
def ask(root, tmp_path):
    """ask(verb, volume, *more): the exit status."""
    def ask(verb, volume=None, *more, host=HOST):
        words = [verb] + ([] if volume is None else ['--nqn', f'nqn.2010-10.org.example:{volume}'])
        if verb == 'export':
            words += ['--device', str(tmp_path / volume), '--uuid', UUID, '--portal', '192.0.2.1:4420']
        if verb in ('export', 'revoke') and host:
            words += ['--host', host]
        return nvmetool.main([*words, *more])
    return ask


@pytest.fixture
def shown(root):
    """{volume: its hosts}"""
    return lambda: {each['nqn'].rpartition(':')[2]: each['hosts'] for each in nvmetool.show(root, None)}


def saved():
    return json.loads(nvmetool.SAVED.read_text())


def reboot(root):
    for path in root.glob('*/*'):
        shutil.rmtree(path)


def test_hosts_come_and_go(ask, shown, root):
    assert [ask('export', 'a'), ask('export', 'a'), ask('export', 'a', host=OTHER), ask('export', 'b')] == [0] * 4
    assert shown() == {'a': [HOST, OTHER], 'b': [HOST]}
    assert saved() == nvmetool.show(root, None)
    assert [ask('revoke', 'a'), ask('revoke', 'a')] == [0, 0]
    assert shown() == {'a': [OTHER], 'b': [HOST]}
    assert ask('revoke', 'a', host=None) == 0
    assert ask('revoke', 'b', '--unused', host=None) == 0
    assert shown() == {} and saved() == []
    assert not list((root / 'hosts').iterdir())


def test_a_revocation_killed_before_it_was_saved_is_made_good(ask, root):
    ask('export', 'a')
    reboot(root)  # as if the kernel had done what it was told, but nobody had written it down
    assert ask('revoke', 'a') == 0
    assert saved() == []


def test_a_reboot_changes_nothing_but_what_lost_its_device(ask, shown, root, tmp_path, capsys):
    for volume in ('a', 'b'):
        ask('export', volume)
        ask('export', volume, host=OTHER)
    before = nvmetool.show(root, None)
    reboot(root)
    (tmp_path / 'a').unlink()
    assert ask('restore') == 0
    assert nvmetool.show(root, None) == before[1:]
    assert 'no such device' in capsys.readouterr().err
    assert [entry.name for entry in (root / 'subsystems').iterdir()] == [before[1]['nqn']]


def test_a_restoration_that_was_killed_is_ended_by_the_next(ask, root):
    ask('export', 'a')
    before = nvmetool.show(root, None)
    reboot(root)
    half = root / 'subsystems' / before[0]['nqn']
    half.mkdir()
    (half / 'attr_model').write_text(nvmetool.MODEL)
    assert ask('restore') == 0
    assert nvmetool.show(root, None) == before


def test_what_else_goes_wrong_is_told_when_the_rest_is_restored(ask, shown, root, tmp_path):
    ask('export', 'a')
    ask('export', 'b')
    nvmetool.SAVED.write_text(json.dumps([saved()[0] | {'device': str(tmp_path / 'b')}, *saved()[1:]]))
    shutil.rmtree(root / 'subsystems' / 'nqn.2010-10.org.example:b')
    assert ask('restore') == 2
    assert shown() == {'a': [HOST], 'b': [HOST]}


def test_ports_are_shared_and_those_of_others_let_be(ask, root):
    for number, attributes in ((1, {'addr_trtype': 'loop'}), (2, {'addr_trtype': 'tcp'}), (3, {
            'addr_trtype': 'tcp', 'addr_traddr': '192.0.2.1', 'addr_trsvcid': '4420'})):
        port = root / 'ports' / str(number)
        port.mkdir()
        for name, value in attributes.items():
            (port / name).write_text(value)
    ask('export', 'a')
    ask('export', 'b', '--portal', '[2001:db8::1]:4420')
    assert ask('export', 'b', '--portal', '192.0.2.2:4421', '--port-id', '7') == 0
    linked = {path.parent.parent.name: path.parent.name and path.name.rpartition(':')[2]
              for path in sorted((root / 'ports').glob('*/subsystems/*'))}
    assert linked == {'2': 'b', '3': 'b', '7': 'b'}
    assert (root / 'ports' / '3' / 'subsystems' / 'nqn.2010-10.org.example:a').exists()
    assert (root / 'ports' / '2' / 'addr_adrfam').read_text() == 'ipv6'


def test_a_subsystem_of_others_is_not_shown(ask, shown, root):
    (root / 'subsystems' / 'nqn.2010-10.org.example:theirs').mkdir()
    ask('export', 'a')
    assert shown() == {'a': [HOST]}


def test_who_is_connected_keeps_it(ask, shown, tmp_path):
    ask('export', 'a')
    (tmp_path / 'debug' / 'nqn.2010-10.org.example:a' / 'ctrl1').mkdir(parents=True)
    assert ask('revoke', 'a', '--unused', host=None) == 2
    assert shown() == {'a': [HOST]}
    assert ask('revoke', 'a', host=None) == 0


def test_another_device_under_the_same_name(ask, tmp_path, capsys):
    ask('export', 'a')
    assert ask('export', 'a', '--device', str(tmp_path / 'b')) == 2
    assert 'already' in capsys.readouterr().err

# SPDX-License-Identifier: Apache-2.0
"""blockctl-tgttool after kills, and beside others; the real tgtd is in tests/lvm/test_hosts.py."""

import itertools
import json
import re
import stat
import subprocess

import pytest

from blockctl.cmd import tgtd
from blockctl.cmd import tgttool

HOST, OTHER, THIRD = (f'iqn.1993-08.org.debian:01:{name}' for name in ('host', 'other', 'third'))
IQN = 'iqn.2010-10.org.example:'
UUID = '0d1f4c3e-1111-4222-8333-444455556666'
MIB = 1 << 20


class Killed(BaseException):
    """Instead of the end of a process: nothing catches it."""


class Gap(BaseException):
    """tgtd would be no more."""


class Served:
    """A target as tgtd has it. ``slots``: accounts, by place; ``bound`` of them count."""

    def __init__(self, tid):
        self.tid, self.state, self.disk, self.rules = tid, 'ready', None, []
        self.sessions, self.away = [], []
        self.slots, self.bound = [], 0


class Daemon(tgtd.Tgtd):
    """Stands in for tgtd 1.0.85, with what is odd about it, and for a machine that can be killed.

    ``left``: how many more changes there are before (None: any number).
    """

    def __init__(self):
        self.left = None
        self.served, self.accounts, self.portals = {}, {}, ['0.0.0.0:3260', '[::]:3260']
        self.numbers = itertools.count(1)
        self.watch = lambda: None

    def ask(self, operation, mode, *words, well=''):
        if operation == 'show':
            return getattr(self, f'_show_{mode}')()
        if self.left is not None:
            if not self.left:
                raise Killed
            self.left -= 1
        given = dict(zip(words[::2], words[1::2], strict=True))
        try:
            getattr(self, f'_{operation}_{mode}')(given)
        except LookupError as error:
            if not error.args[0].endswith(well or ()):
                raise ValueError(error.args[0]) from None
        self.watch()
        return ''

    def _target(self, given):
        return next(each for each in self.served.values() if each.tid == given['--tid'])

    def _new_target(self, given):
        self.served[given['--targetname']] = Served(given['--tid'])

    def _update_target(self, given):
        assert given['--name'] == 'state'
        target = self._target(given)
        target.state = given['--value']
        if target.state == 'ready':
            target.sessions += target.away
            target.away = []

    def _delete_target(self, given):
        target = self._target(given)
        if target.sessions:
            raise LookupError('this target is still active')
        self.served = {iqn: each for iqn, each in self.served.items() if each is not target}

    def _new_logicalunit(self, given):
        disk = {'path': given['--backing-store'], 'scsi_sn': 'beaf11', 'flags': given.get('--bsoflags', '')}
        self._target(given).disk = disk
        self._open(disk)

    @staticmethod
    def _open(disk):
        try:
            with open(disk['path'], 'rb') as file:
                disk['size'] = file.seek(0, 2)
        except FileNotFoundError:
            raise LookupError('invalid request') from None

    def _update_logicalunit(self, given):
        target = self._target(given)
        for name, value in (word.split('=', 1) for word in given['--params'].split(',')):
            if name == 'path':
                assert not target.sessions, 'what is under way would fail'
                assert target.state == 'offline', 'somebody could log in'
            target.disk[name] = value
        self._open(target.disk)

    def _delete_conn(self, given):
        """The host comes back when it may."""
        target = self._target(given)
        [session] = [each for each in target.sessions if each[0] == given['--sid']]
        target.sessions.remove(session)
        target.away += [session] if session[1] in target.rules else []

    def _bind_target(self, given):
        [rule] = given.keys() & {'--initiator-name', '--initiator-address'}
        self._target(given).rules.append(given[rule])

    def _unbind_target(self, given):
        [rule] = given.keys() & {'--initiator-name', '--initiator-address'}
        assert given[rule].startswith('iqn.') is (rule == '--initiator-name')
        self._target(given).rules.remove(given[rule])

    def _new_account(self, given):
        if given['--user'] in self.accounts:
            raise LookupError('this account already exists')
        self.accounts[given['--user']] = given['--password']

    def _delete_account(self, given):
        if given['--user'] not in self.accounts:
            raise LookupError("can't find the account")
        del self.accounts[given['--user']]
        for target in self.served.values():
            if given['--user'] in target.slots:
                self._unbind_account({'--tid': target.tid, **given})

    def _bind_account(self, given):
        target, user = self._target(given), given['--user']
        assert user in self.accounts and user not in target.slots
        place = target.slots.index(None) if None in target.slots else len(target.slots)
        target.slots[place:place + 1] = [user]
        target.bound += 1

    def _unbind_account(self, given):
        target = self._target(given)
        target.slots[target.slots.index(given['--user'])] = None
        target.bound -= 1

    # --- what it shows
    def _show_portal(self):
        return ''.join(f'Portal: {portal},1\n' for portal in self.portals)

    def _show_target(self):
        return ''.join(self._shown(iqn, target) for iqn, target in self.served.items())

    def _shown(self, iqn, target):
        if None in target.slots[:target.bound]:
            raise Gap
        sessions = ''.join(f'        I_T nexus: {number}\n            Initiator: {initiator} alias: {alias}\n'
                           '            Connection: 0\n                IP Address: 192.0.2.7\n'
                           for number, initiator, alias in target.sessions)
        disk = '' if target.disk is None else (
            '        LUN: 1\n            Type: disk\n'
            f'            SCSI SN: {target.disk["scsi_sn"]}\n'
            f'            Size: {target.disk["size"] / 1e6:.0f} MB, Block size: 512\n'
            f'            Backing store path: {target.disk["path"]}\n'
            f'            Backing store flags: {target.disk["flags"]}\n')
        accounts = ''.join(f'        {user}\n' for user in target.slots[:target.bound])
        rules = ''.join(f'        {rule}\n' for rule in target.rules)
        return (f'Target {target.tid}: {iqn}\n    System information:\n        Driver: iscsi\n'
                f'        State: {target.state}\n    I_T nexus information:\n{sessions}    LUN information:\n'
                '        LUN: 0\n            Type: controller\n            SCSI SN: beaf10\n'
                '            Size: 0 MB, Block size: 1\n            Backing store path: None\n'
                f'            Backing store flags: \n{disk}    Account information:\n{accounts}'
                f'    ACL information:\n{rules}')

    # --- what hosts find
    def lets_in(self, volume, initiator, user=None, secret=None):
        target = self.served.get(f'{IQN}{volume}')
        if target is None or target.state != 'ready' or not {initiator, 'ALL'} & {*target.rules}:
            return False
        if not target.bound:
            return True
        return user in target.slots[:target.bound] and self.accounts[user] == secret

    def log_in(self, volume, initiator, alias='none'):
        target = self.served[f'{IQN}{volume}']
        target.sessions.append((str(next(self.numbers)), initiator, alias))


@pytest.fixture
def daemon(tmp_path, monkeypatch):
    made = Daemon()
    monkeypatch.setattr(tgttool.tgtd, 'Tgtd', lambda: made)
    monkeypatch.setattr(tgttool, '_PAUSE', 0)
    monkeypatch.setattr(tgttool.targettool, '_LOCK', str(tmp_path / 'lock'))
    for name in ('a', 'b'):
        (tmp_path / name).write_bytes(bytes(MIB))
    return made


@pytest.fixture
def ask(daemon, tmp_path, monkeypatch):
    """ask(verb, volume, *more): the exit status. Each host has a user and secret of its own."""
    def ask(verb, volume=None, *more, host=HOST, chap=True):
        words = [verb] + ([] if verb == 'show' else ['--directory', str(tmp_path / 'volumes')])
        words += [] if volume is None else ['--name', volume, '--iqn', f'{IQN}{volume}']
        if verb in ('export', 'restore'):
            words += ['--portal', '192.0.2.1:3260']
        if verb == 'export':
            words += ['--device', str(tmp_path / volume), '--uuid', UUID]
            words += ['--user', login(volume, host)[0]] if chap else []
            monkeypatch.setenv('BLOCKCTL_CHAP_SECRET', login(volume, host)[1])
        if verb in ('export', 'revoke') and host:
            words += ['--initiator', host]
        return tgttool.main([*words, *more])
    return ask


def login(volume, host):
    name = f'{host.rpartition(":")[2]}-{volume}'
    return f'user-{name}', f'secret-{name}'


@pytest.fixture
def inside(daemon):
    """inside(volume): the hosts that can log in, by their own secrets."""
    return lambda volume: [host for host in (HOST, OTHER, THIRD) if daemon.lets_in(volume, host, *login(volume, host))]


def saved(tmp_path):
    """{volume: its hosts}"""
    return {path.name: re.findall(r'initiator-name (.*)', path.read_text())
            for path in (tmp_path / 'volumes').iterdir()}


def nothing(daemon, tmp_path):
    return not daemon.served and not daemon.accounts and not list((tmp_path / 'volumes').iterdir())


def test_hosts_come_and_go(ask, inside, daemon, tmp_path):
    assert [ask('export', 'a'), ask('export', 'a'), ask('export', 'a', host=OTHER), ask('export', 'b')] == [0] * 4
    assert [inside('a'), inside('b')] == [[HOST, OTHER], [HOST]]
    assert saved(tmp_path) == {'a': [HOST, OTHER], 'b': [HOST]}
    assert not daemon.lets_in('a', HOST, *login('a', OTHER)[:1], login('a', HOST)[1])
    assert not daemon.lets_in('a', THIRD, *login('a', HOST))
    assert [ask('revoke', 'a'), ask('revoke', 'a')] == [0, 0]
    assert inside('a') == [OTHER]
    assert [ask('revoke', 'a', host=None), ask('revoke', 'b', '--unused', host=None)] == [0, 0]
    assert nothing(daemon, tmp_path)
    assert ask('revoke', 'a', host=None) == 0


def test_hosts_without_secrets(ask, daemon, tmp_path):
    assert [ask('export', 'a', chap=False), ask('export', 'a', host=OTHER, chap=False)] == [0, 0]
    assert [daemon.lets_in('a', host) for host in (HOST, OTHER, THIRD)] == [True, True, False]
    assert ask('revoke', 'a') == 0
    assert [daemon.lets_in('a', host) for host in (HOST, OTHER)] == [False, True]


def test_another_secret_takes_the_place_of_the_first(ask, daemon, monkeypatch):
    ask('export', 'a')
    ask('export', 'a', host=OTHER)
    daemon.log_in('a', HOST)
    assert ask('export', 'a', '--user', 'another') == 0
    assert daemon.served[f'{IQN}a'].sessions
    assert not daemon.lets_in('a', HOST, *login('a', HOST))
    assert daemon.lets_in('a', HOST, 'another', login('a', HOST)[1])
    assert daemon.lets_in('a', OTHER, *login('a', OTHER))


@pytest.mark.parametrize('leaving', [HOST, OTHER, THIRD])
def test_one_of_several_is_logged_out_and_the_others_stay(ask, inside, daemon, leaving):
    """Whatever its place: tgtd ends over a gap between accounts."""
    staying = [host for host in (HOST, OTHER, THIRD) if host != leaving]
    for host in (HOST, OTHER, THIRD):
        ask('export', 'a', host=host)
        daemon.log_in('a', host)
    assert ask('revoke', 'a', host=leaving) == 0
    assert inside('a') == staying
    assert [initiator for _, initiator, _ in daemon.served[f'{IQN}a'].sessions] == staying
    assert login('a', leaving)[0] not in daemon.accounts


def kills(daemon, prepare, act):
    """Calls ``act``, each time from what ``prepare`` makes, and killed after one change more; then it is your turn."""
    for changes in itertools.count():
        prepare()
        daemon.left = changes
        try:
            assert act() == 0
        except Killed:
            daemon.left = None
            yield
        else:
            daemon.left = None
            assert changes > 1
            return


@pytest.fixture
def watched(daemon):
    """After each change nobody is let in without a secret, and no gap is there that could be shown."""
    def watch():
        for iqn, target in daemon.served.items():
            assert not any(daemon.lets_in(iqn.removeprefix(IQN), host) for host in (HOST, OTHER, THIRD)), 'no secret'
            assert None not in target.slots[:target.bound], 'tgtd crashes when somebody looks'
    daemon.watch = watch


def test_an_export_that_is_killed_is_ended_by_the_next(ask, inside, daemon, tmp_path, watched):
    for earlier in ([], [OTHER], [OTHER, THIRD]):
        def prepare(earlier=earlier):
            ask('revoke', 'a', host=None)
            for host in earlier:
                ask('export', 'a', host=host)

        for _ in kills(daemon, prepare, lambda: ask('export', 'a')):
            assert ask('export', 'a') == 0
            assert inside('a') == [HOST, *earlier]
            assert daemon.served[f'{IQN}a'].disk['scsi_sn'] == UUID
        for _ in kills(daemon, prepare, lambda: ask('export', 'a')):
            assert ask('revoke', 'a') == 0
            assert inside('a') == earlier
            assert len(daemon.accounts) == len(earlier)
    assert ask('revoke', 'a', host=None) == 0
    assert nothing(daemon, tmp_path)


def test_a_revocation_that_is_killed_is_ended_by_the_next(ask, inside, daemon, tmp_path, watched):
    for others in ([], [OTHER], [OTHER, THIRD]):
        def prepare(others=others):
            for host in (HOST, *others):
                assert ask('export', 'a', host=host) == 0
                daemon.log_in('a', host)

        for _ in kills(daemon, prepare, lambda: ask('revoke', 'a')):
            assert ask('revoke', 'a') == 0
            assert inside('a') == others
            assert len(daemon.accounts) == len(others)
            assert ask('revoke', 'a', host=None) == 0
            assert nothing(daemon, tmp_path)


def test_a_restoration_that_is_killed_is_ended_by_the_next(ask, inside, daemon, tmp_path, watched):
    def prepare():
        for volume in ('a', 'b'):
            ask('export', volume)
        ask('export', 'a', host=OTHER)
        daemon.served, daemon.accounts = {}, {}

    for _ in kills(daemon, prepare, lambda: ask('restore')):
        assert ask('restore') == 0
        assert [inside('a'), inside('b')] == [[HOST, OTHER], [HOST]]


def test_growth_that_is_killed_is_ended_by_the_next(ask, inside, daemon, tmp_path):
    sizes = itertools.count(2)

    def prepare():
        assert ask('export', 'a') == 0
        if not daemon.served[f'{IQN}a'].sessions:
            daemon.log_in('a', HOST)
        (tmp_path / 'a').write_bytes(bytes(next(sizes) * MIB))

    for how in ('resized', 'export'):
        for _ in kills(daemon, prepare, lambda: ask('resized', 'a')):
            assert ask(how, 'a') == 0
            assert inside('a') == [HOST]
            assert daemon.served[f'{IQN}a'].disk['size'] == (tmp_path / 'a').stat().st_size
            assert daemon.served[f'{IQN}a'].sessions


def test_what_has_not_grown_is_let_be(ask, daemon):
    ask('export', 'a')
    daemon.log_in('a', HOST)
    daemon.left = 0
    assert ask('resized', 'a') == 0
    daemon.left = None
    assert daemon.served[f'{IQN}a'].sessions
    assert ask('resized', 'b') == 0


def test_a_new_start_of_tgtd_changes_nothing_but_what_lost_its_device(ask, inside, daemon, tmp_path, capsys):
    for volume in ('a', 'b'):
        ask('export', volume)
    daemon.served, daemon.accounts = {}, {}
    (tmp_path / 'a').unlink()
    assert ask('restore') == 0
    assert f'{IQN}a has lost' in capsys.readouterr().err
    assert [inside('a'), inside('b')] == [[], [HOST]]
    assert ask('revoke', 'a') == 0
    assert saved(tmp_path) == {'b': [HOST]}


def test_what_else_goes_wrong_is_told_when_the_rest_is_restored(ask, inside, daemon, tmp_path, capsys):
    ask('export', 'b')
    daemon.served = {}
    (tmp_path / 'volumes' / 'a').write_text('<target iqn.2010-10.org.example:a>\n    backing-store /dev/a\n</target>\n')
    assert ask('restore') == 2
    assert "a has no 'scsi_sn'" in capsys.readouterr().err
    assert inside('b') == [HOST]


def test_who_else_was_let_in_is_shut_out(ask, daemon):
    """As by tgt-admin, for which a file has to name an address."""
    ask('export', 'a')
    daemon.served[f'{IQN}a'].rules[:0] = ['0.0.0.0', 'ALL']
    daemon.log_in('a', THIRD)
    assert ask('restore') == 0
    assert daemon.served[f'{IQN}a'].rules == [HOST]
    assert not daemon.served[f'{IQN}a'].sessions


def test_who_is_logged_in_keeps_it(ask, daemon, inside, capsys):
    ask('export', 'a')
    daemon.log_in('a', HOST)
    assert ask('revoke', 'a', '--unused', host=None) == 2
    assert f'in use by {HOST}' in capsys.readouterr().err
    assert inside('a') == [HOST]
    assert ask('revoke', 'a', host=None) == 0


def test_a_file_is_not_for_others(ask, tmp_path):
    ask('export', 'a')
    assert stat.S_IMODE((tmp_path / 'volumes' / 'a').stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / 'volumes').stat().st_mode) == 0o700


def test_a_file_lets_in_whom_it_names_and_no_address(ask, tmp_path):
    """Where no address is named, tgt-admin lets in all of them."""
    ask('export', 'a')
    ask('export', 'a', host=OTHER, chap=False)
    assert (tmp_path / 'volumes' / 'a').read_text() == f"""<target {IQN}a>
    backing-store {tmp_path / 'a'}
    write-cache on
    scsi_id 0d1f4c3e111142228333444455556666
    scsi_sn {UUID}
    initiator-address 0.0.0.0
    initiator-name {HOST}
    incominguser user-host-a secret-host-a
    initiator-name {OTHER}
</target>
"""


def test_what_a_shell_could_take_for_more_is_written_nowhere(ask, daemon, tmp_path, capsys):
    for word in ('$(id)', 'a b', 'a\nb', "'", '#', ','):
        assert ask('export', 'a', '--user', word) == 2
    assert not (tmp_path / 'volumes').exists() and not daemon.served
    for name in ('../a', '.a'):
        assert ask('revoke', 'a', '--name', name) == 2


def test_a_target_without_a_file_is_not_guessed_at(ask, daemon, tmp_path, capsys):
    ask('export', 'a')
    (tmp_path / 'volumes' / 'a').unlink()
    assert ask('revoke', 'a') == 2
    assert 'is not there' in capsys.readouterr().err
    assert ask('revoke', 'a', host=None) == 0
    assert nothing(daemon, tmp_path)


def test_another_device_under_the_same_name(ask, daemon, tmp_path, capsys):
    ask('export', 'a')
    assert ask('export', 'a', '--device', str(tmp_path / 'b')) == 2
    daemon.served[f'{IQN}a'].disk['path'] = str(tmp_path / 'b')
    assert ask('export', 'a') == 2
    assert capsys.readouterr().err.count('already') == 2


@pytest.mark.parametrize('made_up', [
    f'Target 2: {IQN}a\n', f'Target 1: {IQN}c\n', f'Target 7: {IQN}b\n'], ids=['number', 'name', 'another'])
def test_a_host_moves_nothing_of_others_by_its_alias(ask, inside, daemon, capsys, made_up):
    """It is shown as it is, with newlines."""
    for volume in ('a', 'b'):
        ask('export', volume)
    daemon.log_in('a', HOST, alias=f'x\n{made_up}    ACL information:')
    (daemon.left, before) = (0, daemon.served.copy())
    assert [ask('revoke', 'a'), ask('revoke', 'b') if '7' in made_up else 2] == [2, 2]
    assert capsys.readouterr().err.count('alias') == 1 + ('7' in made_up)
    assert daemon.served == before


@pytest.mark.parametrize(('served', 'asked', 'status'), [
    ('0.0.0.0:3260', '192.0.2.1:3260', 0), ('192.0.2.1:3260', '192.0.2.1:3260', 0),
    ('[::]:3260', '[2001:db8::1]:3260', 0), ('[2001:db8:0::1]:3260', '[2001:db8::1]:3260', 0),
    ('0.0.0.0:3261', '192.0.2.1:3260', 2), ('192.0.2.2:3260', '192.0.2.1:3260', 2),
    ('0.0.0.0:3260', '[2001:db8::1]:3260', 2)])
def test_tgtd_has_to_listen_where_hosts_are_told_to_go(daemon, tmp_path, capsys, served, asked, status):
    daemon.portals = [served]
    assert tgttool.main(['restore', '--directory', str(tmp_path / 'none'), '--portal', asked]) == status
    assert ('--iscsi portal=' in capsys.readouterr().err) is bool(status)


def test_the_disk_is_the_volume_wherever_it_is_served(ask, daemon):
    """tgtd counts its targets from one, and names disks by that: two machines' would be one disk to a host."""
    ask('export', 'a', '--write-cache', 'off', '--flags', 'direct')
    disk = daemon.served[f'{IQN}a'].disk
    assert disk['scsi_sn'] == UUID and disk['scsi_id'] == UUID.replace('-', '')
    assert disk['flags'] == 'direct' and disk['mode_page'].startswith('8:0:18:0x10:')


def test_what_is_served_is_shown(ask, daemon, tmp_path, capsys):
    ask('export', 'a')
    daemon.log_in('a', HOST)
    assert ask('show') == 0
    assert json.loads(capsys.readouterr().out) == [
        {'iqn': f'{IQN}a', 'devices': [str(tmp_path / 'a')], 'initiators': [HOST], 'sessions': [HOST]}]


@pytest.mark.parametrize(('said', 'kind'), [
    ('tgtadm: failed to send request hdr to tgt daemon, Transport endpoint is not connected', OSError),
    ('tgtadm: invalid request', ValueError)])
def test_what_tgtadm_says_is_told_and_what_it_was_told_is_not(tmp_path, monkeypatch, said, kind):
    (tmp_path / 'tgtadm').write_text(f'#!/bin/sh\necho "{said}" >&2\nexit 22\n')
    (tmp_path / 'tgtadm').chmod(0o755)
    monkeypatch.setenv('PATH', str(tmp_path), prepend=':')
    with pytest.raises(kind, match=said) as told:
        tgtd.Tgtd().ask('new', 'account', '--password', 'a-secret')
    assert 'a-secret' not in str(told.value)
    assert tgtd.Tgtd().ask('new', 'account', well=said[-10:]) == '' or kind is OSError


def test_tgtd_that_does_not_answer_may_have_done_it(monkeypatch):
    def hang(command, timeout, **_more):
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(tgtd.subprocess, 'run', hang)
    with pytest.raises(OSError, match='busy') as told:
        tgtd.Tgtd().ask('new', 'account', '--password', 'a-secret')
    assert 'a-secret' not in str(told.value) and told.value.__cause__ is None

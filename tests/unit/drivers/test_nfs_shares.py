# SPDX-License-Identifier: Apache-2.0
"""Which shares a section names, and how they are mounted; a real mount is in tests/contract/test_nfs_real.py."""

import hashlib
import types

import pytest

from blockctl import exceptions
from blockctl import privileged
from blockctl.drivers.nfs import shares


def section(tmp_path, **values):
    return types.SimpleNamespace(**{
        'nfs_mount_point_base': str(tmp_path / 'mnt'), 'nas_host': '', 'nas_share_path': '', 'nas_mount_options': None,
        'nfs_shares_config': str(tmp_path / 'shares'), 'nfs_mount_options': None, 'backend_call_timeout': 30.0,
        'nas_secure_file_operations': 'auto', **values})


def listed(tmp_path, text):
    (tmp_path / 'shares').write_text(text)
    return [(share.export, share.options, share.pool) for share in shares.configured(section(tmp_path), 'here')]


def test_a_file_lists_shares(tmp_path):
    assert listed(tmp_path, '# ours\n\n 192.0.2.1:/srv/a \nnas.example.org:/b -o vers=4.1,proto=tcp\n[2001:db8::1]:/c\n'
                            'nas:/d -overs=3\n') == [
        ('192.0.2.1:/srv/a', '', '192.0.2.1:/srv/a'),
        ('nas.example.org:/b', 'vers=4.1,proto=tcp', 'nas.example.org:/b'),
        ('[2001:db8::1]:/c', '', '[2001:db8::1]:/c'),
        ('nas:/d', 'vers=3', 'nas:/d')]


def test_a_single_share_has_the_backends_name_for_its_pool(tmp_path):
    conf = section(tmp_path, nas_host='nas', nas_share_path='/b', nas_mount_options='vers=4.2')
    share, = shares.configured(conf, 'here')
    assert (share.export, share.options, share.pool) == ('nas:/b', 'vers=4.2', 'here')


def test_a_share_is_mounted_where_hosts_look_for_it(tmp_path):
    """os-brick and Nova: the digest of what the share is called."""
    share, = shares.configured(section(tmp_path, nas_host='nas', nas_share_path='/b'), 'here')
    assert share.directory == str(tmp_path / 'mnt' / hashlib.md5(b'nas:/b').hexdigest())


@pytest.mark.parametrize('line', [
    '-o:/x', '--bind:/x', '-t:/x', 'nas', 'nas:', 'nas:x', ':/x', '/dev/sda', 'nas:/x,y', 'a b:/x', 'nas;id:/x',
    '$(id):/x', 'nas:/x -o a b', 'nas:/x -o --bind', 'nas:/x -o a;b', 'nas:/x -o $(id)', 'nas:/x -o -obind', '::1:/x'])
def test_a_line_that_is_no_share_is_named(tmp_path, line):
    with pytest.raises(exceptions.ConfigurationError, match='shares, line 2: '):
        listed(tmp_path, f'nas:/good\n{line}\n')


@pytest.mark.parametrize('text', ['', '# none\n', 'nas:/x\nnas:/x -o vers=3\n'])
def test_no_share_and_one_twice_are_refused(tmp_path, text):
    with pytest.raises(exceptions.ConfigurationError, match='each once'):
        listed(tmp_path, text)


@pytest.mark.parametrize('values', [
    {'nfs_mount_point_base': 'relative'}, {'nfs_mount_point_base': ''}, {'nfs_shares_config': '/not/here'},
    {'nas_host': '--help', 'nas_share_path': '/x'},
    {'nas_host': 'nas', 'nas_share_path': '/x', 'nas_secure_file_operations': 'False'},
    {'nas_host': 'nas', 'nas_share_path': 'x'},
    {'nas_host': 'nas', 'nas_share_path': '/x', 'nas_mount_options': '-o x'},
    {'nas_host': 'nas', 'nas_share_path': '/x', 'nfs_mount_options': 'x --bind'}])
def test_options_that_can_never_serve(tmp_path, values):
    with pytest.raises(exceptions.ConfigurationError):
        shares.configured(section(tmp_path, **values), 'here')


class Noting:
    """Stands in for the way to a machine's mount(8): notes what would be run, and ends as it is told."""

    def __init__(self, monkeypatch, *ends):
        self.calls = []
        self._ends = list(ends)
        monkeypatch.setattr(privileged, 'prepare', lambda: None)
        monkeypatch.setattr(privileged, 'run', self._run)
        monkeypatch.setattr(shares, '_PAUSE', 0)

    def _run(self, arguments, seconds, environment):
        assert seconds == 30
        self.calls.append(arguments)
        return self._ends.pop(0)


def test_how_a_share_is_mounted(tmp_path, monkeypatch):
    noting = Noting(monkeypatch, (0, '', ''))
    conf = section(tmp_path, nas_host='nas', nas_share_path='/b', nas_mount_options='vers=4.2',
                   nfs_mount_options='hard')
    share, = shares.configured(conf, 'here')
    shares.Mounts(conf).ensure(share)
    assert noting.calls == [['mount', '-t', 'nfs', '-o',
                             'softerr,timeo=100,retrans=2,hard,vers=4.2,nosuid,nodev,noexec', '--', 'nas:/b',
                             share.directory]]


@pytest.mark.parametrize(('end', 'said'), [((32, '', 'mount.nfs: access denied\n'), 'mount.nfs: access denied'),
                                           ((None, '', ''), 'not within 30.0 s')])
def test_mounting_is_tried_so_often(tmp_path, monkeypatch, end, said):
    conf = section(tmp_path, nas_host='nas', nas_share_path='/b')
    share, = shares.configured(conf, 'here')
    noting = Noting(monkeypatch, end, end, end)
    with pytest.raises(exceptions.BackendUnavailable, match=said):
        shares.Mounts(conf).ensure(share, attempts=3)
    assert len(noting.calls) == 3
    noting = Noting(monkeypatch, end, (0, '', ''))
    shares.Mounts(conf).ensure(share, attempts=3)
    assert len(noting.calls) == 2


def test_a_server_that_does_not_answer_keeps_nobody_waiting(tmp_path, monkeypatch):
    """stat(1) waits for it; this process does not."""
    conf = section(tmp_path, nas_host='nas', nas_share_path='/b', backend_call_timeout=0.2)
    share, = shares.configured(conf, 'here')
    monkeypatch.setattr(shares, '_what_is_at', lambda directory: share.export)
    run = privileged.run_plainly
    monkeypatch.setattr(privileged, 'run_plainly', lambda arguments, *more: run(['sleep', '30'], *more))
    with pytest.raises(exceptions.BackendTimeout, match='did not answer within'):
        shares.Mounts(conf).ensure(share)

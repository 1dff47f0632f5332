# SPDX-License-Identifier: Apache-2.0
"""What the driver lvm makes of what programs say; LVM itself is in tests/contract/test_lvm.py."""

import os
import subprocess
import sys

import pytest
from oslo_config import cfg

from blockctl import exceptions
from blockctl.conf import backend
from blockctl.drivers import interface
from blockctl.drivers.lvm import commands
from blockctl.drivers.lvm import data
from blockctl.drivers.lvm import driver
from blockctl.drivers.targets import iscsi
from blockctl.drivers.targets import secrets

INITIATOR = 'iqn.1993-08.org.debian:01:host'


def section(tmp_path, **values):
    conf = cfg.ConfigOpts()
    conf.register_opts([cfg.StrOpt(name, default=value) for name, value in (
        ('volume_name_template', 'volume-%s'), ('my_ip', '127.0.0.1'), ('state_path', str(tmp_path)))])
    conf.register_opts(backend.OPTIONS, 'disks')
    conf.register_opts(driver.LVMDriver.options(), 'disks')
    conf([], default_config_files=[], default_config_dirs=[])
    # env(1) as the way in: nothing here needs root
    for name, value in {'storage_command_prefix': ['env'], 'backend_call_timeout': 1.0, **values}.items():
        conf.set_override(name, value, 'disks')
    return backend.Section(conf, 'disks')


def says(text, status=5):
    """A program that complains and fails."""
    return 'sh', '-c', 'echo "$1" >&2; exit "$2"', 'sh', text, str(status)


@pytest.mark.parametrize(('text', 'error'), [
    ('  Volume group "disks" has insufficient free space (0 extents): 256 required.', exceptions.BackendFull),
    ('  Insufficient free space: 256 extents needed, but only 0 available', exceptions.BackendFull),
    ('  Cannot create new thin volume, free space in thin pool disks/p reached threshold.', exceptions.BackendFull),
    ('  Failed to find logical volume "disks/volume-1"', exceptions.NotFoundOnBackend),
    ('  Logical volume volume-1 not found in volume group disks.', exceptions.NotFoundOnBackend),
    ('  Snapshot origin LV volume-1 not found in Volume group disks.', exceptions.NotFoundOnBackend),
    ('  Volume group "disks" not found', exceptions.BackendUnavailable),
    ('  Pool disks-pool not found in Volume group disks.', exceptions.BackendUnavailable),
    ("dd: error writing '/dev/disks/volume-1': No space left on device", exceptions.BackendFull),
    ('  Logical volume disks/volume-1 in use.', exceptions.BackendBusy),
    ('  Logical volume disks/volume-1 contains a filesystem in use.', exceptions.BackendBusy),
    ('  Logical Volume "volume-1" already exists in volume group "disks"', exceptions.BackendBusy),
    ('  Something else', exceptions.BackendError),
])
def test_a_failure_is_told_by_its_meaning(tmp_path, text, error):
    with pytest.raises(exceptions.BackendError) as caught:
        commands.Commands(section(tmp_path)).run(*says(text))
    assert type(caught.value) is error


def test_warnings_are_left_out_of_what_is_told(tmp_path):
    with pytest.raises(exceptions.BackendError, match='sh ended with 3: gone$'):
        commands.Commands(section(tmp_path)).run(*says('  WARNING: File descriptor 5 leaked\n  gone', 3))


def test_no_command_takes_for_ever(tmp_path):
    with pytest.raises(exceptions.BackendTimeout):
        commands.Commands(section(tmp_path)).run('sleep', '60')


def test_a_program_that_is_not_there(tmp_path):
    with pytest.raises(exceptions.BackendUnavailable, match='no-such-program cannot be run'):
        commands.Commands(section(tmp_path, storage_command_prefix=['no-such-program'])).run('true')


def test_arguments_reach_no_shell(tmp_path):
    output = commands.Commands(section(tmp_path)).run('printf', '%s', '$(id); `id` | cat')
    assert output == '$(id); `id` | cat'


def test_secrets_are_in_the_environment_only(tmp_path):
    run = commands.Commands(section(tmp_path)).run
    assert run('sh', '-c', 'echo "$KEY"', environment={'KEY': 'open'}) == 'open\n'


def test_a_program_gets_its_input_and_then_no_more(tmp_path):
    run = commands.Commands(section(tmp_path)).run
    assert run('wc', '-c', given=bytes(3 << 20)).strip() == str(3 << 20)
    assert run('wc', '-c').strip() == '0'
    assert run('true', given=bytes(3 << 20)) == ''  # who does not read it is no worse for it


def test_input_is_not_logged_on_its_way_to_the_helper():
    """By oslo.privsep, at the level at which it logs all it does."""
    script = (
        'import logging; logging.basicConfig(level=logging.DEBUG)\n'
        'from oslo_privsep import priv_context\n'
        'from blockctl import privileged\n'
        'privileged.CONTEXT.start(priv_context.Method.FORK)\n'
        "print(privileged.run(['wc', '-c'], 10, {'KEY': 'a-secret'}, b'the-secret'))\n")
    if os.geteuid():
        pytest.skip('it takes root to start the helper by a fork')
    done = subprocess.run([sys.executable, '-c', script], check=False, capture_output=True, text=True, timeout=60)
    assert done.stdout == "(0, '10\\n', '')\n", done.stderr
    assert 'privsep' in done.stderr
    assert 'secret' not in done.stderr


class Effect:
    """Stands in for a lease: counts the signs of progress."""

    def __init__(self):
        self.done = []

    def check(self):
        pass

    def progress(self, done):
        self.done.append(done)


@pytest.mark.parametrize(('limit', 'pieces'), [(0, 1), (32 << 20, 2)])
def test_a_copy_ends_where_its_source_does(tmp_path, limit, pieces):
    """Which need not be a whole number of dd's blocks."""
    conf = section(tmp_path, volume_copy_bps_limit=limit, backend_call_timeout=20.0)
    source, target, size = tmp_path / 'source', tmp_path / 'target', (33 << 20) + 512
    source.write_bytes(os.urandom(size))
    target.write_bytes(bytes(size))
    effect = Effect()
    data.Data(commands.Commands(conf), conf).copy(source, target, size, effect)
    assert target.read_bytes() == source.read_bytes()
    assert len(effect.done) == pieces


def test_a_header_is_written_over_what_is_there(tmp_path):
    conf = section(tmp_path, backend_call_timeout=20.0)
    device, header = tmp_path / 'device', os.urandom((2 << 20) + 100)
    device.write_bytes(b'x' * (3 << 20))
    data.Data(commands.Commands(conf), conf).write(device, header)
    assert device.read_bytes() == header + b'x' * ((3 << 20) - len(header))


class Noting:
    """Stands in for the way to a machine with LIO: notes what would be run there."""

    def __init__(self):
        self.calls = []

    def run(self, *arguments, environment=None):
        self.calls.append((arguments, environment))


@pytest.fixture
def volume():
    return interface.Volume(id='1', size=1, pool='disks', name='volume-1')


def test_what_a_host_is_told(tmp_path, volume):
    noting = Noting()
    target = iscsi.Target(section(tmp_path, use_chap_auth=True, target_ip_address='192.0.2.1',
                                  target_secondary_ip_addresses=['2001:db8::1']), noting)
    connector = interface.Connector(host='host', initiator=INITIATOR, multipath=True)
    info = target.export(volume, '/dev/disks/volume-1', connector)
    [(arguments, environment)] = noting.calls
    secret = info['data'].pop('auth_password')
    assert environment == {'BLOCKCTL_CHAP_SECRET': secret}
    assert secret not in arguments and len(secret) == 12
    user = info['data'].pop('auth_username')
    assert arguments[arguments.index('--user') + 1] == user
    iqn = 'iqn.2010-10.org.openstack:volume-1'
    assert info == {'driver_volume_type': 'iscsi', 'data': {
        'target_discovered': False, 'target_iqn': iqn, 'target_portal': '192.0.2.1:3260', 'target_lun': 0,
        'volume_id': '1', 'discard': True, 'target_iqns': [iqn, iqn], 'target_luns': [0, 0],
        'target_portals': ['192.0.2.1:3260', '[2001:db8::1]:3260'], 'auth_method': 'CHAP'}}


@pytest.mark.parametrize('address', ['', 'a name', '--help', '192.0.2.1:3260'])
def test_an_address_that_is_none(tmp_path, address):
    with pytest.raises(exceptions.ConfigurationError):
        iscsi.Target(section(tmp_path, target_ip_address=address), Noting())


def test_secrets_last_and_differ(tmp_path):
    made = secrets.Secrets(section(tmp_path, use_chap_auth=True))
    again = secrets.Secrets(section(tmp_path, use_chap_auth=True))  # another process, with the same key file
    assert made.of('volume-1', INITIATOR) == again.of('volume-1', INITIATOR)
    assert len({made.of(name, host) for name in ('volume-1', 'volume-2') for host in ('a', 'b')}) == 4
    assert (tmp_path / 'target.key').stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ['target.key']


def test_without_chap_there_is_no_secret(tmp_path):
    assert secrets.Secrets(section(tmp_path)).of('volume-1', INITIATOR) is None
    assert not list(tmp_path.iterdir())

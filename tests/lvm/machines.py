# SPDX-License-Identifier: Apache-2.0
"""The guest of tools/storage_vm: a machine with storage, and a host that uses volumes."""

import contextlib
import json
import os
import pathlib
import subprocess

from tests.contract import stands
from tests.harness import polling

BRICK = os.environ.get('BLOCKCTL_TEST_STORAGE_VM_BRICK')
PROGRAM = pathlib.Path(__file__).with_name('brick.py')
GIB = 1 << 30
#: Of tgtd: its port, for LIO has the usual one; where its targets are written down; and what includes that.
TGTD_PORT = 3261
SERVED = '/var/lib/blockctl/volumes'
INCLUDES = '/var/lib/blockctl/targets.conf'
START_TGTD = f"""
mkdir -p /run/tgtd "$(dirname {INCLUDES})"
echo 'include {SERVED}/*' >{INCLUDES}
setsid --fork tgtd -f --iscsi portal=0.0.0.0:{TGTD_PORT} >>/run/tgtd.log 2>&1 </dev/null
timeout 60 sh -c 'until tgtadm --lld iscsi --mode portal --op show; do sleep 0.1; done' >/dev/null 2>&1
"""


class Guest:
    """The machine with the storage."""

    _has_tgtd = False

    def run(self, *command, status=0):
        """What a program in it says. Its exit status must be ``status`` (None: any)."""
        done = subprocess.run([*stands.LVMStand.INTO, *command], check=False, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=240, text=True)
        assert status in (None, done.returncode), f'{command} ended with {done.returncode}: {done.stdout}{done.stderr}'
        return done.stdout

    def json(self, *command):
        return json.loads(self.run(*command) or '[]')

    def volumes(self):
        """{name: bytes} of the volume group's, but for its pool."""
        group = os.environ['BLOCKCTL_TEST_STORAGE_VM_GROUP']
        [report] = self.json('lvs', '--reportformat', 'json', '--units', 'b', '--nosuffix', '-o', 'lv_name,lv_size',
                             group)['report']
        return {row['lv_name']: int(row['lv_size']) for row in report['lv'] if row['lv_name'] != f'{group}-pool'}

    def sessions(self):
        """iSCSI sessions and NVMe controllers of this machine as a host."""
        return self.run('sh', '-c', 'cat /sys/class/iscsi_session/*/targetname /sys/class/nvme/*/subsysnqn 2>/dev/null',
                        status=None).split()

    @contextlib.contextmanager
    def tgtd(self):
        """The daemon, in a ``with`` block, which may be in another."""
        if self._has_tgtd:
            yield
            return
        self.run('sh', '-ec', START_TGTD)
        self._has_tgtd = True
        try:
            yield
        finally:
            self._has_tgtd = False
            self.run('tgtadm', '--mode', 'system', '--op', 'delete')

    def targets(self):
        of_tgtd = self.json('blockctl-tgttool', 'show') if self._has_tgtd else []
        return self.json('blockctl-rtstool', 'show') + self.json('blockctl-nvmetool', 'show') + of_tgtd

    def written_down(self):
        """Files and accounts of tgtd's targets."""
        shown = self.run('tgtadm', '--lld', 'iscsi', '--mode', 'account', '--op', 'show') if self._has_tgtd else ''
        return self.run('ls', SERVED, status=None).split() + shown.split()[2:]

    def devices(self):
        """Disks that are not the machine's own."""
        names = self.run('ls', '/sys/block').split()
        return [name for name in names if name.startswith(('sd', 'nvme'))]

    def left(self):
        """Everything that volumes and connections leave behind, if they do."""
        return {'volumes': self.volumes(), 'targets': self.targets() + self.written_down(), 'sessions': self.sessions(),
                'devices': self.devices(), 'nodes': self.run('iscsiadm', '-m', 'node', status=None).split()}


class Failed(Exception):
    """os-brick could not; the text is its error's name."""


class Host:
    """A compute host: os-brick in the guest."""

    def __init__(self, guest):
        self._guest = guest
        self._socket = '/run/brick.sock'
        if not self._serves():
            guest.run('sh', '-c', 'rm -f "$2"; setsid --fork "$0" "$1" serve "$2" >/run/brick.log 2>&1 </dev/null',
                      BRICK, str(PROGRAM), self._socket)
            polling.until(self._serves, 240, lambda: f'os-brick; it says {guest.run("cat", "/run/brick.log")}')

    def _serves(self):
        """Whether it answers, if only that it does not know this."""
        return bool(self._guest.run('/usr/bin/python3', '-S', str(PROGRAM), 'ask', self._socket, '["ping", {}]',
                                    status=None))

    def end(self):
        self.ask('end')
        polling.until(lambda: not self._serves(), 60, 'end of os-brick')

    def ask(self, function, **arguments):
        """What a function of brick.py gives. Raises Failed."""
        answer = self._guest.json('/usr/bin/python3', '-S', str(PROGRAM), 'ask', self._socket,
                                  json.dumps([function, arguments]))
        if 'failed' in answer:
            raise Failed(f'{answer["failed"]}: {answer["text"]}')
        return answer['done']

    def io(self, device, command):
        """qemu-io, which says whether a pattern is there."""
        said = self._guest.run('qemu-io', '-f', 'raw', '-n', '-c', command, device, status=None)
        return 'ops' in said and 'verification failed' not in said

    def size(self, device):
        return int(self._guest.run('blockdev', '--getsize64', device))


class Group:
    """The guest's volume group as a backend of a cloud (see tests/harness/backends.py)."""

    def __init__(self, guest, **options):
        self._guest = guest
        self._options = options
        self.name = None

    def __call__(self, name, directory):
        self.name, self._directory = name, directory
        return self

    def section(self):
        return {'volume_driver': 'lvm', 'volume_group': os.environ['BLOCKCTL_TEST_STORAGE_VM_GROUP'],
                'storage_command_prefix': ','.join(stands.LVMStand.INTO), 'backend_call_timeout': 120,
                'lvm_lock_directory': self._directory / 'locks', 'target_ip_address': stands.LVMStand.ADDRESS,
                'target_key_file': self._directory / 'target.key', 'volumes_dir': SERVED, **self._options}

    def images(self):
        """{name: GiB}; snapshots as <volume>@<snapshot>."""
        return {name: size / GIB for name, size in self._guest.volumes().items() if not name.startswith('_')}

    def close(self):
        """Whatever a test left: the next one begins with nothing."""
        group = os.environ['BLOCKCTL_TEST_STORAGE_VM_GROUP']
        for target in self._guest.targets():
            if 'nqn' in target:
                self._guest.run('blockctl-nvmetool', 'revoke', '--nqn', target['nqn'])
                continue
            which = ['--iqn', target['iqn'], '--name', target['devices'][0].rpartition('/')[2]]
            if 'sessions' in target:
                self._guest.run('blockctl-tgttool', 'revoke', *which, '--directory', SERVED)
            else:
                self._guest.run('blockctl-rtstool', 'revoke', *which)
        with contextlib.suppress(AssertionError):
            self._guest.run('lvremove', '-f', '-y', group)

# SPDX-License-Identifier: Apache-2.0
"""Backends of a test, and a look at them that owes nothing to blockctl."""

import json
import pathlib
import re
import subprocess
import uuid

from tests.harness import storage_vm

GIB = 1 << 30


class Files:
    """A directory for the driver ``file``."""

    def __init__(self, name, directory):
        self.name = name
        self._directory = pathlib.Path(directory) / f'files-{name}'

    def section(self):
        """Options of the backend's section."""
        return {'volume_driver': 'file', 'file_directory': self._directory}

    def images(self):
        """{name: GiB} of everything there that could be an image, whatever its name."""
        if not self._directory.exists():
            return {}
        return {entry.name: entry.stat().st_size / GIB for entry in self._directory.iterdir()
                if entry.is_file() and entry.name != '.backend'}  # which names the directory's owner

    def locator(self, name):
        """What qemu's tools call an image; its format is raw."""
        return str(self._directory / name)

    def close(self):
        """The directory goes with the cloud's."""


class Fake:
    """The driver ``fake``, whose volumes are in the memory of one process: slow, or failing, at will."""

    def __init__(self, **options):
        self.name = None
        self._options = options

    def __call__(self, name, directory):
        self.name = name
        return self

    def section(self):
        return {'volume_driver': 'fake', **self._options}

    images = None  # nobody can look into that memory from outside

    def close(self):
        """It goes with the process."""


class Rbd:
    """A pool of its own on a Ceph cluster."""

    def __init__(self, name, conf):
        self.name = name
        self._conf = conf
        self.pool = f'blockctl-{uuid.uuid4().hex[:12]}'
        self.ceph('osd', 'pool', 'create', self.pool, '8')
        self._rbd('pool', 'init', self.pool)

    def section(self):
        return {'volume_driver': 'rbd', 'rbd_pool': self.pool, 'rbd_ceph_conf': self._conf,
                'rados_connect_timeout': 3, 'rbd_user': 'admin', 'max_over_subscription_ratio': 1000,
                'deferred_deletion_purge_interval': 1}

    def images(self):
        """{name: GiB}; a snapshot counts, as <image>@<name>, and an image in the trash, as trash:<name>.

        But not one that was deleted, and that another there was made of: it has to stay as long as that one.
        """
        listed = self._list('ls', '--long')
        parents = {image['parent']['image'] for image in listed if image.get('parent')}
        found = {'@'.join(filter(None, (image['image'], image.get('snapshot')))): image['size'] / GIB
                 for image in listed}
        found.update({f'trash:{image["name"]}': 0 for image in self._list('trash', 'ls')
                      if image['name'] not in parents})
        return found

    def locator(self, name):
        """What qemu's tools call an image; its format is raw."""
        return f'rbd:{self.pool}/{name}:conf={self._conf}'

    def close(self):
        self.ceph('osd', 'pool', 'delete', self.pool, self.pool, '--yes-i-really-really-mean-it')

    def blocklist(self):
        """Addresses that are cut off from the cluster."""
        done = self.ceph('osd', 'blocklist', 'ls')
        return re.findall(r'^\S+:\d+/\d+', done, re.MULTILINE)

    def ceph(self, *arguments):
        return self._run('ceph', '--conf', self._conf, *arguments)

    def _list(self, *command):
        return json.loads(self._rbd(*command, '--pool', self.pool, '--format', 'json'))

    def _rbd(self, *arguments):
        return self._run('rbd', '--conf', self._conf, *arguments)

    @staticmethod
    def _run(*arguments):
        for attempts_left in (2, 1, 0):
            done = subprocess.run(arguments, timeout=60, text=True, capture_output=True, stdin=subprocess.DEVNULL)
            # Without authentication a client may be refused because it did not know the cluster's id yet.
            if not attempts_left or 'problem getting command descriptions' not in done.stderr:
                break
        assert done.returncode == 0, f'{" ".join(arguments)}: {done.stderr}'
        return done.stdout


class Lvm:
    """A volume group of its own in the guest of tools/storage_vm, on a file there: thin, so nothing is cleared."""

    GIB = 60

    def __init__(self, name, directory, state):
        """``directory``: of the installation; ``state``: the file that names the guest."""
        self.name = name
        self._directory = pathlib.Path(directory)
        self._into = storage_vm.into(state)
        self.group = f'blockctl-{uuid.uuid4().hex[:12]}'
        self._file = f'/run/{self.group}'
        self._guest('truncate', '-s', f'{self.GIB}G', self._file)
        self._device = self._guest('losetup', '--find', '--show', self._file).strip()
        self._guest('vgcreate', '-q', '-q', self.group, self._device)

    def section(self):
        return {'volume_driver': 'lvm', 'volume_group': self.group, 'lvm_type': 'thin',
                'storage_command_prefix': ','.join(self._into), 'lvm_lock_directory': self._directory / 'locks',
                'backend_call_timeout': 120, 'target_ip_address': storage_vm.ADDRESS, 'use_chap_auth': True,
                'target_key_file': self._directory / 'target.key', 'max_over_subscription_ratio': 1000}

    def images(self):
        """{name: GiB} of everything there but the thin pool."""
        listed = self._guest('lvs', '--noheadings', '--nosuffix', '--units', 'g', '-o', 'lv_name,lv_size', self.group)
        found = dict(line.split() for line in listed.splitlines())
        return {name: float(size) for name, size in found.items() if name != f'{self.group}-pool'}

    def close(self):
        self._guest('vgremove', '-f', '-f', '-y', self.group)
        self._guest('losetup', '--detach', self._device)
        self._guest('rm', self._file)

    def _guest(self, *command):
        done = subprocess.run([*self._into, *command], stdin=subprocess.DEVNULL, capture_output=True, timeout=240,
                              text=True, check=False)
        assert done.returncode == 0, f'{command}: {done.stderr}'
        return done.stdout

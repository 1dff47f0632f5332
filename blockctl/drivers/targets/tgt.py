# SPDX-License-Identifier: Apache-2.0
"""iSCSI by the daemon tgtd: one target for a volume, and the names of the hosts that may log in (cmd/tgttool.py)."""

import os
import re

from blockctl import exceptions
from blockctl.drivers.targets import iscsi

#: For CHAP; other characters mean something to tgtadm, or to what starts tgtd.
_FIT = re.compile(r'[A-Za-z0-9_.:@/+-]*')


class Target(iscsi.Target):
    """As by LIO (targets/iscsi.py), but for what follows."""

    program = 'blockctl-tgttool'
    lun = 1
    #: tgtd makes holes of what hosts discard, which thin volumes refuse.
    discard = False

    def __init__(self, conf, commands):
        super().__init__(conf, commands)
        for option in ('chap_username', 'chap_password'):
            if not _FIT.fullmatch(getattr(conf, option)):
                raise exceptions.ConfigurationError(
                    reason=f'{option}: letters, digits and _.:@/+- are what target_helper = tgtadm can pass on')
        if not os.path.isabs(conf.volumes_dir):
            raise exceptions.ConfigurationError(reason='volumes_dir must be an absolute path')

    def start(self):
        """What was exported before tgtd was started is exported again."""
        self._run(self.program, 'restore', *self._place(), *self._served())

    def resized(self, volume):
        """Hosts that are logged in do so anew, and look then: for tgtd has to open the device again."""
        self._run(self.program, 'resized', *self._which(volume))

    def _login(self, volume, initiator):
        """tgtd knows a user once only, for all targets."""
        return self._secrets.of(volume.name, initiator, own=True)

    def _place(self):
        return '--directory', self._conf.volumes_dir

    def _kind(self, volume):
        flags = ('--flags', self._conf.iscsi_target_flags) if self._conf.iscsi_target_flags else ()
        return '--uuid', volume.id, '--write-cache', self._conf.iscsi_write_cache, *flags

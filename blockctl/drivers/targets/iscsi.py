# SPDX-License-Identifier: Apache-2.0
"""iSCSI: one target for a volume, with what lets each of its hosts log in; by the kernel's LIO (cmd/rtstool.py)."""

from blockctl.drivers.targets import names
from blockctl.drivers.targets import portals
from blockctl.drivers.targets import secrets


class Target:
    """``commands``: what runs programs as root on the machine with the storage (lvm.commands.Commands)."""

    #: The program that makes and mends targets, and what is its own in what it makes.
    program = 'blockctl-rtstool'
    lun = 0
    discard = True

    def __init__(self, conf, commands):
        self._conf = conf
        self._run = commands.run
        self._secrets = secrets.Secrets(conf)
        self._portals = [str(portal) for portal in portals.of(conf)]

    def start(self):
        """What was exported before a reboot is exported again."""
        self._run(self.program, 'restore', *self._place())

    def export(self, volume, device, connector):
        """Let a host log in. Returns os-brick's connection information. Raises InvalidField for a bad initiator."""
        initiator = names.initiator(connector)
        login = self._login(volume, initiator)
        user, environment = ([], {}) if login is None else (['--user', login[0]], {'BLOCKCTL_CHAP_SECRET': login[1]})
        self._run(self.program, 'export', *self._which(volume), '--initiator', initiator, '--device', device,
                  *self._served(), *self._kind(volume), *user, environment=environment)
        return {'driver_volume_type': self._conf.target_protocol, 'data': self._data(volume, connector, login)}

    def _data(self, volume, connector, login):
        data = {'target_discovered': False, 'target_iqn': self._iqn(volume), 'target_portal': self._portals[0],
                'target_lun': self.lun, 'volume_id': volume.id, 'discard': self.discard}
        if connector.multipath and len(self._portals) > 1:
            count = len(self._portals)
            data |= {'target_portals': self._portals, 'target_iqns': [self._iqn(volume)] * count,
                     'target_luns': [self.lun] * count}
        if login is not None:
            data |= {'auth_method': 'CHAP', 'auth_username': login[0], 'auth_password': login[1]}
        return data

    def resized(self, volume):
        """Hosts look by themselves: LIO says what the device says."""

    def revoke(self, volume, connector=None):
        """Take a host's export back, or (None) every one. What is not exported is well."""
        whose = [] if connector is None else ['--initiator', names.initiator(connector)]
        self._run(self.program, 'revoke', *self._which(volume), *whose)

    def remove(self, volume):
        """Take every export back before the volume goes. Raises BackendBusy while a host is logged in."""
        self._run(self.program, 'revoke', *self._which(volume), '--unused')

    def _login(self, volume, initiator):
        return self._secrets.of(volume.name, initiator)

    def _place(self):
        """Words for the program: where it keeps what it made."""
        return ()

    def _kind(self, volume):
        """Words for the program: what is particular to a volume's target."""
        return ('--iser',) if self._conf.target_protocol == 'iser' else ()

    def _served(self):
        return [word for portal in self._portals for word in ('--portal', portal)]

    def _which(self, volume):
        return *self._place(), '--name', volume.name, '--iqn', self._iqn(volume)

    def _iqn(self, volume):
        return f'{self._conf.target_prefix}{volume.name}'


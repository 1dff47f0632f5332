# SPDX-License-Identifier: Apache-2.0
"""iSCSI by the kernel's LIO: one target for a volume, one access list entry for each host (cmd/rtstool.py)."""

import ipaddress
import re

from blockctl import exceptions
from blockctl.drivers.targets import secrets

#: RFC 3720, section 3.2.6: iqn., eui. and naa. names.
_NAME = re.compile(r'(iqn\.\d{4}-\d{2}\.[a-z0-9.-]+(:[^\s/]+)?|eui\.[0-9A-Fa-f]{16}|naa\.[0-9A-Fa-f]{16,32})')
_LONGEST_NAME = 223


class Target:
    """``commands``: what runs programs as root on the machine with the storage (lvm.commands.Commands)."""

    def __init__(self, conf, commands):
        self._conf = conf
        self._run = commands.run
        self._secrets = secrets.Secrets(conf)
        addresses = [conf.target_ip_address, *conf.target_secondary_ip_addresses]
        self._portals = [f'{_written(address)}:{conf.target_port}' for address in addresses]

    def start(self):
        """What was exported before a reboot is exported again."""
        self._run('blockctl-rtstool', 'restore')

    def export(self, volume, device, connector):
        """Let a host log in. Returns os-brick's connection information. Raises InvalidRequest for a bad initiator."""
        initiator = _initiator(connector)
        login = self._secrets.of(volume.name, initiator)
        portals = [word for portal in self._portals for word in ('--portal', portal)]
        user, environment = ([], {}) if login is None else (['--user', login[0]], {'BLOCKCTL_CHAP_SECRET': login[1]})
        self._run('blockctl-rtstool', 'export', *self._which(volume), '--initiator', initiator, '--device', device,
                  *portals, *user, environment=environment)
        return {'driver_volume_type': self._conf.target_protocol, 'data': self._data(volume, connector, login)}

    def _data(self, volume, connector, login):
        data = {'target_discovered': False, 'target_iqn': self._iqn(volume), 'target_portal': self._portals[0],
                'target_lun': 0, 'volume_id': volume.id, 'discard': True}
        if connector.multipath and len(self._portals) > 1:
            count = len(self._portals)
            data |= {'target_portals': self._portals, 'target_iqns': [self._iqn(volume)] * count,
                     'target_luns': [0] * count}
        if login is not None:
            data |= {'auth_method': 'CHAP', 'auth_username': login[0], 'auth_password': login[1]}
        return data

    def revoke(self, volume, connector=None):
        """Take a host's export back, or (None) every one. What is not exported is well."""
        whose = [] if connector is None else ['--initiator', _initiator(connector)]
        self._run('blockctl-rtstool', 'revoke', *self._which(volume), *whose)

    def remove(self, volume):
        """Take every export back before the volume goes. Raises BackendBusy while a host is logged in."""
        self._run('blockctl-rtstool', 'revoke', *self._which(volume), '--unused')

    def _which(self, volume):
        return '--name', volume.name, '--iqn', self._iqn(volume)

    def _iqn(self, volume):
        return f'{self._conf.target_prefix}{volume.name}'


def _initiator(connector):
    name = connector.initiator or ''
    if len(name) > _LONGEST_NAME or not _NAME.fullmatch(name):
        raise exceptions.InvalidRequest(reason=f'connector: its initiator {name[:80]!r} is no iSCSI name')
    return name


def _written(address):
    """An address as it stands before a port. Raises ConfigurationError."""
    try:
        return f'[{address}]' if ipaddress.ip_address(address).version == 6 else address
    except ValueError:
        raise exceptions.ConfigurationError(reason=f'target_ip_address: {address!r} is no IP address') from None

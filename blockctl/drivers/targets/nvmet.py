# SPDX-License-Identifier: Apache-2.0
"""NVMe over TCP by the kernel's nvmet: one subsystem for a volume, and a list of its hosts (cmd/nvmetool.py)."""

from blockctl.drivers.targets import names
from blockctl.drivers.targets import portals


class Target:
    """``commands``: what runs programs as root on the machine with the storage (lvm.commands.Commands)."""

    def __init__(self, conf, commands):
        self._conf = conf
        self._run = commands.run
        self._portals = portals.of(conf)
        # Names of NVMe are made like those of iSCSI, which is what the option is named for.
        self._prefix = f'nqn.{conf.target_prefix.removeprefix("iqn.").removeprefix("nqn.")}'

    def start(self):
        """What was exported before a reboot is exported again."""
        self._run('blockctl-nvmetool', 'restore', '--port-id', str(self._conf.nvmet_port_id))

    def export(self, volume, device, connector):
        """Let a host connect. Returns os-brick's connection information. Raises InvalidField for a bad nqn."""
        conf, host = self._conf, names.nqn(connector)
        served = [word for portal in self._portals for word in ('--portal', str(portal))]
        self._run('blockctl-nvmetool', 'export', '--nqn', self._nqn(volume), '--host', host, '--device', device,
                  '--uuid', volume.id, '--nsid', str(conf.nvmet_ns_id), '--port-id', str(conf.nvmet_port_id), *served)
        return {'driver_volume_type': 'nvmeof', 'data': {
            'target_nqn': self._nqn(volume), 'vol_uuid': volume.id, 'ns_id': conf.nvmet_ns_id, 'host_nqn': host,
            'portals': [[portal.host, portal.port, 'tcp'] for portal in self._portals], 'discard': True}}

    def resized(self, volume):
        """Hosts that are connected learn of it at once."""
        self._run('blockctl-nvmetool', 'resized', '--nqn', self._nqn(volume))

    def revoke(self, volume, connector=None):
        """Take a host's export back, or (None) every one. What is not exported is well."""
        whose = [] if connector is None else ['--host', names.nqn(connector)]
        self._run('blockctl-nvmetool', 'revoke', '--nqn', self._nqn(volume), *whose)

    def remove(self, volume):
        """Take every export back before the volume goes. Raises BackendBusy where the kernel says that it is used."""
        self._run('blockctl-nvmetool', 'revoke', '--nqn', self._nqn(volume), '--unused')

    def _nqn(self, volume):
        return f'{self._prefix}{volume.name}'

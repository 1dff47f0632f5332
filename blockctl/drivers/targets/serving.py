# SPDX-License-Identifier: Apache-2.0
"""Which program serves targets, and by which protocols."""

from blockctl import exceptions
from blockctl.drivers.targets import iscsi
from blockctl.drivers.targets import nvmet
from blockctl.drivers.targets import tgt

#: target_helper -> (what asks it, {target_protocol: what that is called in reports}).
_HELPERS = {'lioadm': (iscsi.Target, {'iscsi': 'iSCSI', 'iser': 'iSER'}),
            'tgtadm': (tgt.Target, {'iscsi': 'iSCSI'}),
            'nvmet': (nvmet.Target, {'nvmet_tcp': 'NVMe-oF'})}


def target(conf, commands):
    """What exports the volumes of a backend. Raises ConfigurationError."""
    made, protocols = _HELPERS[conf.target_helper]
    if conf.target_protocol not in protocols:
        raise exceptions.ConfigurationError(
            reason=f'target_helper = {conf.target_helper} does not serve target_protocol = {conf.target_protocol}, but '
                   f'{" and ".join(protocols)}')
    return made(conf, commands)


def storage_protocol(conf):
    """What the backend's protocol is called in reports."""
    _, protocols = _HELPERS[conf.target_helper]
    return protocols[conf.target_protocol]

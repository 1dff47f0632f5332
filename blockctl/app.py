# SPDX-License-Identifier: Apache-2.0
"""What one process is made of. cmd/ composes it; everything else finds its parts through ``ctx.app``."""

import dataclasses
import typing

if typing.TYPE_CHECKING:
    from oslo_config import cfg

    from blockctl import faultpoints
    from blockctl import policy
    from blockctl.compute import nova
    from blockctl.db import engine
    from blockctl.flows import engine as flow_engine
    from blockctl.jobs import doorbell
    from blockctl.keys import store
    from blockctl.rpc import notifier
    from blockctl.rpc import processes
    from blockctl.rpc import transport


@dataclasses.dataclass
class App:
    """The parts of a process. All are made before the first request and none is replaced afterwards."""

    conf: 'cfg.ConfigOpts'
    db: 'engine.Database'
    policy: 'policy.Policy'
    bus: 'transport.Bus'
    doorbell: 'doorbell.Doorbell'
    notifier: 'notifier.Notifier'
    points: 'faultpoints.Points'
    flows: 'flow_engine.Engines'
    compute: 'nova.Nova'
    keys: 'store.KeyStore'
    processes: 'processes.Processes'

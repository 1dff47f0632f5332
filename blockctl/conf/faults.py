# SPDX-License-Identifier: Apache-2.0
"""[faults]: ways for the fault tests to stop a process at a named point. Never set in service."""

from oslo_config import cfg

OPTIONS = (
    cfg.StrOpt('point', help='Name of the point at which the process stops itself.'),
    cfg.StrOpt('action', default='kill', choices=('kill', 'stop', 'raise'),
               help='kill: SIGKILL; stop: SIGSTOP; raise: a backend error.'),
    cfg.StrOpt('marker', help='File made at that moment; where it exists already, nothing happens.'),
)

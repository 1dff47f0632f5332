# SPDX-License-Identifier: Apache-2.0
"""Who may do what: oslo.policy over the rules of ``blockctl.policies`` and the operator's file.

Asked through ``ctx.can`` and ``ctx.must`` only.  The operator's file is looked at again once a second.
"""

import threading
import time

from oslo_log import log as logging
from oslo_policy import policy

from blockctl import policies

LOG = logging.getLogger(__name__)

#: Seconds between two looks at the policy file: a look costs more than a decision.
LOOK = 1.0


class _Enforcer(policy.Enforcer):
    """Looks at its files once every LOOK seconds instead of at every question."""

    _next_look = 0.0

    def load_rules(self, force_reload=False):
        now = time.monotonic()
        if force_reload or now >= self._next_look:
            self._next_look = now + LOOK
            super().load_rules(force_reload)


class Policy:
    """Decides; made once per process. Safe for any number of threads."""

    def __init__(self, conf):
        self._enforcer = _Enforcer(conf)
        self._enforcer.register_defaults(policies.list_rules())
        self._load = threading.Lock()

    def allows(self, ctx, rule, target=None):
        """Whether ``ctx`` may do ``rule`` to ``target``.

        ``target``: a mapping, a row (its project_id and user_id count), or None for the caller's own project.
        A rule that does not exist allows nobody.
        """
        return bool(self._enforcer.enforce(rule, _target(ctx, target), _credentials(ctx)))


def _target(ctx, target):
    if target is None:
        return {'project_id': ctx.project_id, 'user_id': ctx.user_id}
    if isinstance(target, dict):
        return target
    return {'project_id': target.project_id, 'user_id': getattr(target, 'user_id', None)}


def _credentials(ctx):
    """The caller as oslo.policy sees one: oslo.context's values, and is_admin for rules that name it."""
    return {**ctx.to_policy_values(), 'is_admin': ctx.is_admin}

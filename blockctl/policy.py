# SPDX-License-Identifier: Apache-2.0
"""Who may do what: oslo.policy over the rules of ``blockctl.policies`` and the operator's file.

Asked through ``ctx.can`` and ``ctx.must`` only.  The operator's file is looked at again once a second.
"""

import sys
import time

from oslo_config import cfg
from oslo_policy import _checks as checks
from oslo_policy import policy

from blockctl import policies

#: Seconds between two looks at the policy file: a look costs more than a decision.
LOOK = 1.0

#: What a rule may compare and still be decided once for callers of the same roles: (what the caller has, what with)
_PLAIN = {('project_id', '%(project_id)s'), ('user_id', '%(user_id)s'),
          ('is_admin', 'True'), ('is_admin', 'False'), ('is_admin_project', 'True'), ('is_admin_project', 'False')}


class _Enforcer(policy.Enforcer):
    """Looks at its files once every LOOK seconds instead of at every question."""

    _next_look = 0.0

    def due(self):
        return time.monotonic() >= self._next_look

    def load_rules(self, force_reload=False):
        if force_reload or self.due():
            self._next_look = time.monotonic() + LOOK
            super().load_rules(force_reload)


def enforcer_for_tools():
    """An Enforcer for oslopolicy-policy-generator and its like, with the policy file that --config-file names."""
    files = [value for name, value in zip(sys.argv, sys.argv[1:], strict=False) if name == '--config-file']
    conf = cfg.ConfigOpts()
    conf([], project='blockctl', default_config_files=files or None)
    enforcer = policy.Enforcer(conf)
    enforcer.register_defaults(policies.list_rules())
    return enforcer


class Policy:
    """Decides; made once per process. Safe for any number of threads.

    oslo.policy takes 0.1 ms and more for a decision, and showing one volume asks for seven: so decisions are kept
    until the next look at the files, for rules that depend on no more than the caller's roles and whether project and
    user are the caller's own.
    """

    def __init__(self, conf):
        self._enforcer = _Enforcer(conf)
        self._enforcer.register_defaults(policies.list_rules())
        self._decisions = {}
        self._plain = {}

    def allows(self, ctx, rule, target=None):
        """Whether ``ctx`` may do ``rule`` to ``target``.

        ``target``: a mapping, a row (its project_id and user_id count), or None for the caller's own project.
        A rule that does not exist allows nobody.
        """
        if self._enforcer.due():
            self._enforcer.load_rules()
            # New dicts, not emptied ones: another thread may be about to note what the old rules said.
            self._decisions, self._plain = {}, {}
        decisions, plain = self._decisions, self._plain
        target = _target(ctx, target)
        key = (rule, tuple(ctx.roles), ctx.is_admin, ctx.is_admin_project, target.get('project_id') == ctx.project_id,
               target.get('user_id') == ctx.user_id)
        found = decisions.get(key)
        if found is None:
            found = bool(self._enforcer.enforce(rule, target, _credentials(ctx)))
            if rule not in plain:
                plain[rule] = self._is_plain(self._enforcer.rules.get(rule), ())
            if plain[rule]:
                decisions[key] = found
        return found

    def _is_plain(self, check, seen):
        if check is None or isinstance(check, (checks.TrueCheck, checks.FalseCheck)):
            return True
        if isinstance(check, (checks.AndCheck, checks.OrCheck)):
            return all(self._is_plain(part, seen) for part in check.rules)
        if isinstance(check, checks.NotCheck):
            return self._is_plain(check.rule, seen)
        if isinstance(check, checks.RuleCheck):
            return check.match not in seen and self._is_plain(
                self._enforcer.rules.get(check.match), (*seen, check.match))
        if isinstance(check, checks.RoleCheck):
            return '%' not in check.match
        return isinstance(check, checks.GenericCheck) and (check.kind, check.match) in _PLAIN


def _target(ctx, target):
    if target is None:
        return {'project_id': ctx.project_id, 'user_id': ctx.user_id}
    if isinstance(target, dict):
        return target
    return {'project_id': target.project_id, 'user_id': getattr(target, 'user_id', None)}


def _credentials(ctx):
    """The caller as oslo.policy sees one: oslo.context's values, and is_admin for rules that name it."""
    return {**ctx.to_policy_values(), 'is_admin': ctx.is_admin}

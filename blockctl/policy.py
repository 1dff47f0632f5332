# SPDX-License-Identifier: Apache-2.0
"""Who may do what: oslo.policy over the rules of ``blockctl.policies`` and the operator's file.

Asked through ``ctx.can`` and ``ctx.must`` only.  The operator's file is looked at again once a second.
"""

import contextlib
import os
import sys
import threading
import time

from oslo_config import cfg
from oslo_log import log as logging
from oslo_policy import _checks as checks
from oslo_policy import opts
from oslo_policy import policy

from blockctl import policies

LOG = logging.getLogger(__name__)

#: Seconds between two looks at the policy file: a look costs more than a decision.
LOOK = 1.0

#: What a rule may compare and still be decided once for callers of the same roles: (what the caller has, what with)
_PLAIN = {('project_id', '%(project_id)s'), ('user_id', '%(user_id)s'),
          ('is_admin', 'True'), ('is_admin', 'False'), ('is_admin_project', 'True'), ('is_admin_project', 'False')}


class _Enforcer(policy.Enforcer):
    """Reads its files once. oslo.policy's own reloading passes through states without rules, which other threads see
    and in which nobody may do anything; so a change of the files makes a new one (:class:`_Rules`).
    """

    _loaded = False

    def load_rules(self, force_reload=False):
        if not self._loaded:
            super().load_rules(force_reload)
            self._loaded = True


class _Rules:
    """The rules as they were in the files at one moment, and what was decided by them."""

    def __init__(self, conf):
        self.enforcer = _Enforcer(conf)
        self.stamp = _stamp(conf)  # before the files are read: what changes meanwhile is seen at the next look
        self.enforcer.register_defaults(policies.list_rules())
        self.enforcer.load_rules()
        self.decisions = {}
        self.plain = {}


def _stamp(conf):
    """What differs when a policy file was changed, came or went."""
    found = [conf.find_file(name) for name in (conf.oslo_policy.policy_file, *conf.oslo_policy.policy_dirs)]
    paths = [path for path in found if path]
    paths += [entry.path for path in paths if os.path.isdir(path) for entry in os.scandir(path)]
    stamps = []
    for path in paths:
        with contextlib.suppress(OSError):
            stamps.append((path, os.stat(path).st_mtime_ns))
    return sorted(stamps)


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
    user are the caller's own.  The rules are read when :meth:`load` is called or a decision is asked for: processes
    that serve no requests have no use for them (0.1 s of a start, and 8 MiB).
    """

    def __init__(self, conf):
        opts.set_defaults(conf)  # makes the section known before the rules are read
        self._conf = conf
        self._rules = None
        self._next_look = 0.0
        self._looking = threading.Lock()

    def load(self):
        """Read the rules now, so that an error in the operator's file is told before the first request."""
        with self._looking:
            if self._rules is None:
                self._rules = _Rules(self._conf)
                self._next_look = time.monotonic() + LOOK

    def allows(self, ctx, rule, target=None):
        """Whether ``ctx`` may do ``rule`` to ``target``.

        ``target``: a mapping, a row (its project_id and user_id count), or None for the caller's own project.
        A rule that does not exist allows nobody.
        """
        if self._rules is None:
            self.load()
        if time.monotonic() >= self._next_look:
            self._look()
        rules = self._rules
        target = _target(ctx, target)
        key = (rule, tuple(ctx.roles), ctx.is_admin, ctx.is_admin_project, target.get('project_id') == ctx.project_id,
               target.get('user_id') == ctx.user_id)
        found = rules.decisions.get(key)
        if found is None:
            found = bool(rules.enforcer.enforce(rule, target, _credentials(ctx)))
            if rule not in rules.plain:
                rules.plain[rule] = _is_plain(rules.enforcer.rules, rules.enforcer.rules.get(rule), ())
            if rules.plain[rule]:
                rules.decisions[key] = found
        return found

    def _look(self):
        """Take changed files over. One thread does; the others go on by the old rules meanwhile."""
        if self._looking.acquire(blocking=False):
            try:
                if _stamp(self._conf) != self._rules.stamp:
                    self._rules = _Rules(self._conf)
                    LOG.info('The policy files have changed and are in force.')
            except Exception:
                LOG.exception('The policy files cannot be read; the old rules stay in force.')
            finally:
                self._next_look = time.monotonic() + LOOK
                self._looking.release()


def _is_plain(rules, check, seen):
    """Whether a rule depends on no more than what :meth:`Policy.allows` keeps decisions by."""
    if check is None or isinstance(check, (checks.TrueCheck, checks.FalseCheck)):
        return True
    if isinstance(check, (checks.AndCheck, checks.OrCheck)):
        return all(_is_plain(rules, part, seen) for part in check.rules)
    if isinstance(check, checks.NotCheck):
        return _is_plain(rules, check.rule, seen)
    if isinstance(check, checks.RuleCheck):
        return check.match not in seen and _is_plain(rules, rules.get(check.match), (*seen, check.match))
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

# SPDX-License-Identifier: Apache-2.0
"""Why a pool was or was not chosen: filter by filter, and the weights with their parts."""

import dataclasses

#: Pools that a line of the log names, at most.
NAMED = 10


@dataclasses.dataclass(slots=True)
class Account:
    """What became of one pool. ``place``: 1 for the best, None: refused by ``filter`` for ``reason``.

    ``parts``: {weigher: (what it said, its share of the weight)}; ``weight``: their sum.
    """

    pool: str
    place: int | None = None
    filter: str = ''
    reason: str = ''
    weight: float | None = None
    parts: dict = dataclasses.field(default_factory=dict)


class Record:
    """Notes of one decision, made while it is taken (scheduler/pick.py)."""

    def begin(self, look):
        """Pools are looked at, perhaps for the second time."""
        self._accounts = {pool.name: Account(pool.name) for pool in look.usable}
        for pools, name, reason in ((look.down, 'service down', 'no process of its service beats'),
                                    (look.disabled, 'service disabled', 'its service is disabled')):
            self._accounts |= {pool.name: Account(pool.name, filter=name, reason=reason) for pool in pools}
        self._refused = []

    def filtered(self, name, test, before, left):
        passed = {pool.name for pool in left}
        gone = [pool for pool in before if pool.name not in passed]
        for pool in gone:
            account = self._accounts[pool.name]
            account.filter, account.reason = name, test.why(pool)
        if gone:
            self._refused.append((name, [self._accounts[pool.name] for pool in gone]))

    def weighed(self, name, multiplier, pools, raw, weights):
        for pool, said, weight in zip(pools, raw, weights, strict=True):
            account = self._accounts[pool.name]
            account.parts[name] = (said, weight)
            account.weight = (account.weight or 0.0) + weight

    def accounts(self, choice):
        """Accounts of all pools: those that fit, best first, then the others by name."""
        best = [self._accounts[pool.name] for pool in choice]
        for place, account in enumerate(best, 1):
            account.place = place
        return best + sorted((account for account in self._accounts.values() if account.place is None),
                             key=lambda account: account.pool)

    def lines(self, choice):
        """For the log: what each filter refused, then the best pools with their weights."""
        for name, accounts in self._refused:
            yield f'{name} refused ' + _some(f'{account.pool} ({account.reason})' for account in accounts)
        if choice:
            yield 'in this order: ' + _some(
                f'{account.pool} ({_weight(account)})' for account in self.accounts(choice) if account.place)
        else:
            yield f'no pool is left. {choice.summary()}'


def log(logger, spec, choice, record):
    """Say at debug level how a decision was taken."""
    for line in record.lines(choice):
        logger.debug('A place for %s GiB of %s: %s', spec['size'], spec.get('volume_id') or 'something', line)


def _weight(account):
    parts = ', '.join(f'{name} {said:g} -> {weight:g}' for name, (said, weight) in account.parts.items())
    return f'{account.weight or 0:g}: {parts}' if parts else 'not weighed'


def _some(texts):
    texts = list(texts)
    more = f', and {len(texts) - NAMED} more' if len(texts) > NAMED else ''
    return ', '.join(texts[:NAMED]) + more


#: The headings of :func:`rows`.
HEADING = ('Place', 'Pool', 'Weight', 'Weighers', 'Refused by', 'Because')


def rows(choice, record):
    """A row for each pool, as ``blockctl-manage scheduler explain`` shows them."""
    return [(account.place, account.pool, account.weight,
             ', '.join(f'{name}: {said:g} -> {weight:g}' for name, (said, weight) in account.parts.items()),
             account.filter, account.reason) for account in record.accounts(choice)]

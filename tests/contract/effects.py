# SPDX-License-Identifier: Apache-2.0
"""What drivers are given as ``effect`` here: a lease that can be told when to be lost."""

from blockctl import exceptions


class Effect:
    """Counts the checks. ``lose_at``: the check (from 0) that finds the lease lost, and each after it.

    ``at_check(n)`` and ``at_progress(done)`` are called first, for tests that want something to happen just then.
    """

    def __init__(self, epoch=1, identity='', lose_at=None, at_check=None, at_progress=None):
        self.epoch = epoch
        self.identity = identity
        self.checks = 0
        self.reports = []
        self._lose_at = lose_at
        self._at_check = at_check
        self._at_progress = at_progress

    def check(self):
        number, self.checks = self.checks, self.checks + 1
        if self._at_check is not None:
            self._at_check(number)
        if self._lose_at is not None and number >= self._lose_at:
            raise exceptions.LeaseLost(job_id='of-a-test')

    def progress(self, done):
        assert 0 <= done <= 1
        self.reports.append(done)
        if self._at_progress is not None:
            self._at_progress(done)

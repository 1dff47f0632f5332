# SPDX-License-Identifier: Apache-2.0
"""What a run is told as."""

import collections

from conforming import results

ERRORS_SHOWN = 10
REASON = 300  # characters of what was raised; --keep leaves the whole of it


def progress(result, known):
    """One line, as soon as a test has ended."""
    note = ' (known)' if result.outcome == results.FAILED and result.test in known else ''
    return f'{result.seconds:6.1f} s  {result.outcome:<7} {result.test}{note}'


def whole(outcome, known):
    """Lines: both tables, what was left out, what blockctl complained of, and what makes the run fail."""
    lines = ['', *_table(outcome.found, known)]
    for test, reason in outcome.excluded.items():
        lines += ['', f'not run: {test}: {reason}']
    lines += ['', 'Skipped by tempest for open bugs of the reference, and run here:',
              *(_table(outcome.unskipped, known) if outcome.unskipped else ['none of these tests'])]
    if outcome.errors:
        lines += ['', f'blockctl logged {len(outcome.errors)} errors:', *outcome.errors[:ERRORS_SHOWN]]
    return [*lines, '', *(_contradictions(outcome.verdict) or ['All is as known-failures.txt says.'])]


def _table(found, known):
    """How many passed, failed and were skipped; then each skip, by its reason."""
    by_outcome = {outcome: [each for each in found if each.outcome == outcome] for outcome in results.OUTCOMES}
    lines = [f'{outcome:<8}{len(these):>4}' for outcome, these in by_outcome.items()]
    failed = by_outcome[results.FAILED]
    if failed:
        lines[1] += f'  ({sum(result.test in known for result in failed)} of them known)'
    for reason, tests in _by_reason(by_outcome[results.SKIPPED]):
        lines += ['', f'{len(tests)} skipped: {reason}', *(f'    {test}' for test in sorted(tests))]
    return lines


def _by_reason(found):
    reasons = collections.defaultdict(list)
    for result in found:
        reasons[result.reason].append(result.test)
    return sorted(reasons.items(), key=lambda item: (-len(item[1]), item[0]))


def _contradictions(verdict):
    """Lines about all that makes the run fail; none when nothing does."""
    lines = []
    if verdict.broken:
        lines += [f'{len(verdict.broken)} failed and are not on the list:']
        for result in sorted(verdict.broken, key=lambda each: each.test):
            lines += [f'    {result.test}', f'        {result.reason[:REASON]}']
    if verdict.mended:
        lines += [f'{len(verdict.mended)} are on the list and pass, so their lines have to go:']
        lines += sorted(f'    {result.test}' for result in verdict.mended)
    if verdict.unknown:
        lines += [f'{len(verdict.unknown)} are on the list, and tempest has no such test:']
        lines += [f'    {test}' for test in verdict.unknown]
    return lines


def failures(found):
    """The whole tracebacks, for a file."""
    return '\n'.join(f'==== {result.test}\n{result.details or result.reason}\n' for result in found
                     if result.outcome == results.FAILED)

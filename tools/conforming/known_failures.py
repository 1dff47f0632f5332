# SPDX-License-Identifier: Apache-2.0
"""The list of tests that do not pass yet, ``test.id: reason`` a line; ``#`` begins a comment."""

import dataclasses

from conforming import results


class BadList(Exception):
    """A line that says nothing, or says something twice."""


def parse(text):
    """{test: reason}; a reason may be missing (see ``unexplained``). BadList names the line."""
    known = {}
    for number, line in enumerate(text.splitlines(), 1):
        content = line.partition('#')[0].strip()
        if not content:
            continue
        test, colon, reason = content.partition(':')
        if not colon or not test.strip() or ' ' in test.strip():
            raise BadList(f'line {number} is not "test.id: reason": {line}')
        if test.strip() in known:
            raise BadList(f'line {number}: {test.strip()} is there already')
        known[test.strip()] = reason.strip()
    return known


def unexplained(known):
    """The tests without a reason."""
    return [test for test, reason in known.items() if not reason]


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What of a run contradicts the list: each a list of Results.

    ``broken``: failed, and the list does not say so.  ``mended``: passed, though on the list.  ``unknown``: ids on the
    list that tempest does not have.
    """

    broken: list
    mended: list
    unknown: list

    @property
    def good(self):
        return not (self.broken or self.mended or self.unknown)


def judge(found, known, every_test):
    """A Verdict on the Results ``found``, which may be those of a part of all tests."""
    every_name = _with_clean_up(results.plain(test) for test in every_test)
    failed = {result.test for result in found if result.outcome == results.FAILED}
    cleaned_up = _with_clean_up(result.test for result in found) - {result.test for result in found}
    return Verdict(
        broken=[result for result in found if result.test in failed - known.keys()],
        mended=[result for result in found if result.outcome == results.PASSED and result.test in known]
        + [results.Result(name, results.PASSED) for name in sorted(cleaned_up & known.keys())],
        unknown=[test for test in known if test not in every_name])


def _with_clean_up(names):
    """These names of tests, and those that a failure to clean up after their classes would have."""
    names = set(names)
    return names | {f'{name.rpartition(".")[0]}.{results.CLEAN_UP}' for name in names}


def updated(text, found, every_test):
    """The list's text, made true for ``found``: lines and comments that stay are as they were.

    Lines of tests that failed newly are added at the end, without a reason: those are for a person to give.
    """
    known = parse(text)
    verdict = judge(found, known, every_test)
    gone = {result.test for result in verdict.mended} | set(verdict.unknown)
    kept = [line for line in text.splitlines() if line.partition('#')[0].partition(':')[0].strip() not in gone]
    added = sorted(f'{result.test}:' for result in verdict.broken)
    return '\n'.join([*kept, *added]) + '\n'

# SPDX-License-Identifier: Apache-2.0
"""What became of each test, from what was to run and the events of a run."""

import dataclasses
import re

PASSED, FAILED, SKIPPED = OUTCOMES = ('passed', 'failed', 'skipped')
#: Statuses of subunit; a test that began and did not end counts as failed, and so does any other.
_OUTCOMES = {'success': PASSED, 'xfail': PASSED, 'skip': SKIPPED}
CLEAN_UP = 'tearDownClass'
_CLASS_EVENT = re.compile(r'(setUpClass|tearDownClass) \((?P<name>.*)\)')


@dataclasses.dataclass(frozen=True)
class Result:
    """``test``: its id, without the attributes. ``reason``: of a skip, or the last line of what was raised."""

    test: str
    outcome: str
    reason: str = ''
    details: str = ''
    seconds: float = 0.0


def plain(test):
    """The id without its attributes: ``module.Class.method``."""
    return test.partition('[')[0]


def of_event(event):
    """A Result, named as a test of its class would be when the event is of a whole class."""
    match = _CLASS_EVENT.fullmatch(event['id'])
    name = f'{match["name"]}.{match[1]}' if match else plain(event['id'])
    # A reason is read in one line, and is the same for all classes that have it.
    reason = ' '.join(event['reason'].split()).removeprefix(f'{name.split(".")[-2]} ') if '.' in name else ''
    return Result(name, _OUTCOMES.get(event['status'], FAILED), reason, event['details'], event['seconds'])


def settle(tests, seen):
    """The Results of the ids ``tests``, from the Results of all events.

    A test whose class was skipped or failed in its set-up has the class's outcome.  A class that could not clean up is
    a failure of its own, ``module.Class.tearDownClass``.  A test of which nothing was heard has failed.
    """
    by_name = {result.test: result for result in seen}
    unheard = Result('', FAILED, 'nothing was heard of it')
    settled = []
    for name in map(plain, tests):
        of_class = by_name.get(f'{name.rpartition(".")[0]}.setUpClass', unheard)
        settled.append(by_name.get(name) or dataclasses.replace(of_class, test=name, seconds=0.0))
    return settled + [result for name, result in by_name.items()
                      if name.endswith(f'.{CLEAN_UP}') and result.outcome == FAILED]

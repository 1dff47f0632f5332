# SPDX-License-Identifier: Apache-2.0
"""One run of tempest, from starting servers to what it found."""

import contextlib
import dataclasses
import json
import pathlib

from conforming import cloud
from conforming import images
from conforming import known_failures
from conforming import report
from conforming import results
from conforming import runs
from conforming import selection
from conforming import settings
from conforming import venv

LISTS = pathlib.Path(__file__).resolve().parents[2] / 'tests' / 'conformance'
KNOWN_FAILURES = LISTS / 'known-failures.txt'
EXCLUDED = LISTS / 'tempest-exclude.txt'
CI_SLICE = LISTS / 'ci-slice.txt'


@dataclasses.dataclass(frozen=True)
class Plan:
    """``expressions``: which tests; ``slice``: those of CI_SLICE instead.  ``root``, ``storage``: see cloud.running.

    ``keep``: an absolute directory for results and logs, or None.
    """

    expressions: tuple = (selection.DEFAULT,)
    slice: bool = False
    root: pathlib.Path | None = None
    keep: pathlib.Path | None = None
    concurrency: int = 2
    storage: str = 'rbd'

    @property
    def logs(self):
        return self.keep and self.keep / 'logs'


@dataclasses.dataclass(frozen=True)
class Outcome:
    """``found``: Results of the tests; ``unskipped``: of those that tempest skips for open bugs, which ran here.

    ``errors``: the lines that blockctl logged as errors.  ``excluded``: {test: reason} of those that were not run.
    """

    found: list
    unskipped: list
    verdict: known_failures.Verdict
    every_test: list
    excluded: dict
    errors: list

    @property
    def all_found(self):
        return [*self.found, *self.unskipped]


def workspace(directory):
    """A Workspace below ``directory``, with tempest installed."""
    return runs.Workspace(pathlib.Path(directory) / 'tempest', venv.make())


def choose(plan, space):
    """(ids to run, ids of every test there is)."""
    every_test = space.all_tests().tests()
    if plan.slice:
        chosen = selection.named(every_test, selection.lines(CI_SLICE.read_text()))
    else:
        chosen = selection.matching(every_test, plan.expressions)
    excluded = _excluded()
    chosen = [test for test in chosen if results.plain(test) not in excluded]
    if not chosen:
        raise selection.BadSelection('no test is selected')
    return chosen, every_test


def carry_out(plan, known, tell):
    """Start everything, run the tests, stop everything; returns an Outcome.

    ``known``: {test: reason} of those that may fail.  ``tell`` is called with each Result as it comes.
    """
    with cloud.running(root=plan.root, logs=plan.logs, storage=plan.storage) as made:
        space = workspace(made.directory)
        space.configure(settings.sections(made, images.ensure(made), space.directory))
        chosen, every_test = choose(plan, space)
        found = _run(space.all_tests(), chosen, plan.concurrency, tell)
        names = set(map(results.plain, chosen))
        for_bugs = [test for test in space.unskipped().tests() if results.plain(test) in names]
        unskipped = _run(space.unskipped(), for_bugs, plan.concurrency, tell) if for_bugs else []
        outcome = Outcome(found, unskipped, known_failures.judge([*found, *unskipped], known, every_test), every_test,
                          _excluded(), made.installation.complaints())
        if plan.keep:
            _keep(plan.keep, outcome, known, space)
    return outcome


def _excluded():
    return known_failures.parse(EXCLUDED.read_text())


def _run(repository, tests, concurrency, tell):
    seen = []
    with contextlib.closing(repository.run(tests, concurrency)) as events:
        for event in events:
            seen.append(results.of_event(event))
            tell(seen[-1])
    return results.settle(tests, seen)


def _keep(folder, outcome, known, space):
    """Leave there what the run found: as text, as JSON, the tracebacks, and tempest's own settings and log."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / 'report.txt').write_text('\n'.join(report.whole(outcome, known)) + '\n')
    (folder / 'results.json').write_text(json.dumps([dataclasses.asdict(one) for one in outcome.all_found], indent=1))
    (folder / 'failures.txt').write_text(report.failures(outcome.all_found))
    space.save(folder)

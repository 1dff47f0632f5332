# SPDX-License-Identifier: Apache-2.0
"""Which tests are run: of block storage, for that is what blockctl is."""

import re

from conforming import results

SCOPE = 'tempest.api.volume.'
DEFAULT = '.'


class BadSelection(Exception):
    """An expression that cannot be read, or a list that names what is not there."""


def matching(every_test, expressions):
    """Those ids of ``SCOPE`` in which any of the regular expressions is found."""
    wanted = [_compiled(text) for text in expressions]
    return [test for test in every_test if test.startswith(SCOPE) and any(each.search(test) for each in wanted)]


def named(every_test, names):
    """The ids of the tests or classes of these names; BadSelection when one of them is of none."""
    chosen = {name: [test for test in every_test if f'{results.plain(test)}.'.startswith(f'{name}.')] for name in names}
    missing = [name for name, tests in chosen.items() if not tests]
    if missing:
        raise BadSelection(f'tempest has no {", ".join(missing)}')
    return [test for test in every_test if any(test in tests for tests in chosen.values())]


def lines(text):
    """The lines of a list, without comments."""
    return [content for line in text.splitlines() if (content := line.partition('#')[0].strip())]


def _compiled(text):
    try:
        return re.compile(text)
    except re.error as error:
        raise BadSelection(f'{text!r} is no regular expression: {error}') from error

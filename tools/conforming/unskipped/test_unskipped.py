# SPDX-License-Identifier: Apache-2.0
"""The tests that tempest skips, or takes for skipped when they fail, because of an open bug of the reference.

stestr loads this in place of tempest's own discovery: the decorators that skip become marks before any test is
imported, and of all tests only the marked ones are given.  Nothing installed is changed.
"""

import unittest

from tempest.lib import decorators
from tempest.test_discover import test_discover

MARK = 'skipped_for_bug'


def _mark(**options):
    """In place of skip_because and unstable_test, which have the same options."""
    def decorate(test):
        if options.get('bug') and options.get('condition', True):
            setattr(test, MARK, options['bug'])
        return test
    return decorate


def load_tests(loader, tests, pattern):
    decorators.skip_because = decorators.unstable_test = _mark
    return unittest.TestSuite(test for test in _each(test_discover.load_tests(loader, tests, pattern)) if _marked(test))


def _each(suite):
    for part in suite:
        if isinstance(part, unittest.TestSuite):
            yield from _each(part)
        else:
            yield part


def _marked(test):
    method = getattr(test, getattr(test, '_testMethodName', ''), None)
    return hasattr(type(test), MARK) or hasattr(method, MARK)

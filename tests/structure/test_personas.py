# SPDX-License-Identifier: Apache-2.0
"""Every route is in the table of who may do what, and nothing else is; every rule of the reference is there, too."""

import pathlib

import pytest
import yaml

from blockctl import policies
from blockctl.api import routes

TESTS = pathlib.Path(__file__).resolve().parents[1]
TABLE = yaml.safe_load((TESTS / 'api' / 'personas' / 'routes.yaml').read_text(encoding='utf-8'))
REFERENCE = yaml.safe_load((TESTS / 'api' / 'personas' / 'rules.yaml').read_text(encoding='utf-8'))

ROUTES = [f'{row.method} {row.path}' for row in routes.ROUTES]
ACTIONS = [f'POST {row.path} {row.key}' for row in routes.ACTIONS]


@pytest.mark.parametrize('route', dict.fromkeys([*ROUTES, *ACTIONS]))
def test_every_route_has_a_row(route):
    assert route in TABLE['routes'], 'say in tests/api/personas/routes.yaml who may'


def test_every_row_is_of_a_route():
    assert set(TABLE['routes']) - {*ROUTES, *ACTIONS} == set()


@pytest.mark.parametrize('route', TABLE['routes'])
def test_every_row_says_who_in_words_there_are(route):
    entry = TABLE['routes'][route]
    assert (entry if isinstance(entry, str) else entry['who']) in TABLE['who']


def test_the_rules_are_the_references():
    """An operator's policy file carries over: every name it may have is known, and means by default what it did."""
    assert {rule.name: rule.check_str for rule in policies.list_rules()} == REFERENCE

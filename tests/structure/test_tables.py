# SPDX-License-Identifier: Apache-2.0
"""The tables agree with each other and with the code: options, states, errors, policies, microversions, routes."""

import ast
import functools
import pathlib
import re

import pytest
import yaml

from blockctl import exceptions
from blockctl import policies
from blockctl import states
from blockctl.api import faults
from blockctl.api import routes
from blockctl.conf import listing

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGE = ROOT / 'blockctl'

#: States on the way whose only way out is that the row goes: whatever fails, too.
GOES = {'attachment': {'detaching'}}

MACHINES = [each for each in vars(states).values() if isinstance(each, states.Machine)]
OPTIONS = [(getattr(group, 'name', group), option) for group, options in listing.options() for option in options]


def trees(skip=()):
    return [ast.parse(path.read_text(encoding='utf-8')) for path in PACKAGE.rglob('*.py')
            if not set(path.relative_to(PACKAGE).parts) & set(skip)]


@functools.cache
def literals(skip=()):
    """Every string that is spelled in the package, outside modules and folders called ``skip``."""
    return {node.value for tree in trees(skip) for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)}


# --- options
def test_every_option_has_help():
    silent = [f'[{group}] {option.name}' for group, option in OPTIONS if not (option.help or '').strip().endswith('.')]
    assert silent == []


def test_no_option_is_declared_twice():
    names = [(group, option.dest) for group, option in OPTIONS]
    assert sorted(set(names)) == sorted(names)


def test_every_option_is_read():
    read = {node.attr for tree in trees(skip=('listing.py',)) for node in ast.walk(tree)
            if isinstance(node, ast.Attribute)}
    read |= literals(skip=('conf', 'options.py'))
    read |= {name for _, option in OPTIONS for name in re.findall(r'\$(\w+)', str(option.default))}
    unread = {option.name for _, option in OPTIONS if option.dest not in read}
    unread -= {name for name in unread if name.startswith('quota_')}  # read by the name of the resource
    assert unread == set()


# --- states
@pytest.mark.parametrize('machine', MACHINES, ids=lambda machine: machine.resource)
def test_every_event_has_a_caller(machine):
    spelled = literals(skip=('states.py',))
    assert sorted(set(machine.moves) - spelled) == []


@pytest.mark.parametrize('machine', MACHINES, ids=lambda machine: machine.resource)
def test_a_state_on_the_way_has_a_way_out(machine):
    for state in machine.transitional - GOES.get(machine.resource, set()):
        assert any(state in move.sources and move.target not in machine.transitional
                   for move in machine.moves.values()), state


def test_transition_is_asked_for_events_there_are():
    events = {event for machine in MACHINES for event in machine.moves}
    for tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == 'transition' and len(node.args) > 3:
                event = node.args[3]
                assert not isinstance(event, ast.Constant) or event.value in events, ast.unparse(node)


# --- errors
def test_every_kind_of_error_has_a_status():
    inside = {exceptions.Kind.BACKEND, exceptions.Kind.INTERNAL}  # a 500 without their text
    assert set(faults.FAULTS) == set(exceptions.Kind) - inside


def test_every_error_has_a_text_that_can_be_filled():
    for error in vars(exceptions).values():
        if isinstance(error, type) and issubclass(error, exceptions.Error):
            names = re.findall(r'%\((\w+)\)s', error.text)
            assert error(**dict.fromkeys(names, 'x')).args[0].count('%') == 0, error


# --- policies
def test_no_rule_is_declared_twice():
    names = [rule.name for rule in policies.list_rules()]
    assert sorted(set(names)) == sorted(names)


def test_every_rule_that_is_asked_exists():
    rules = {rule.name for rule in policies.list_rules()}
    for tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) \
                    and node.func.attr in ('can', 'must') and node.args and isinstance(node.args[0], ast.Constant):
                assert node.args[0].value in rules, ast.unparse(node)


# --- routes
ENDPOINTS = [*routes.ROUTES, *routes.ACTIONS]


def _id(row):
    return f'{row.method} {row.path}' if isinstance(row, routes.Route) else f'POST {row.path} {row.key}'


@pytest.mark.parametrize('row', ENDPOINTS, ids=_id)
def test_every_route_asks_a_rule_that_exists(row):
    """None: everybody may; what such an endpoint shows is nobody's."""
    if row.rule is not None:
        assert row.rule in {rule.name for rule in policies.list_rules()}
        assert row.rule in literals(skip=('routes.py', 'policies')), 'no operation asks this rule'


@pytest.mark.parametrize('row', ENDPOINTS, ids=_id)
def test_every_route_is_where_its_noun_is(row):
    assert row.endpoint.function.__module__.startswith('blockctl.api.handlers.')


def stories():
    """(method, path without query, text of the body) of every request of tests/api, hosts and /v3 taken off."""
    for path in sorted((ROOT / 'tests' / 'api').rglob('*.yaml')):
        story = yaml.safe_load(path.read_text(encoding='utf-8')) or {}
        for request in story.get('tests', ()):
            method, url = _request(request)
            if url:
                yield method, url.partition('?')[0].removeprefix('/v3'), str(request.get('data', ''))


def _request(request):
    for key, value in request.items():
        if key.isupper() and isinstance(value, str):
            return key, value
    return request.get('method', 'GET'), request.get('url')


STORIES = list(stories())


@pytest.mark.parametrize('row', ENDPOINTS, ids=_id)
def test_every_route_has_a_story(row):
    method = row.method if isinstance(row, routes.Route) else 'POST'
    path = re.compile(r'(/[^/]+)?' + re.sub(r'\\{\w+\\}', r'[^/]+', re.escape(row.path)) + r'\Z')
    key = '' if isinstance(row, routes.Route) else row.key
    assert any(told == method and path.match(url) and key in body for told, url, body in STORIES)

# SPDX-License-Identifier: Apache-2.0
"""One noun across folders: what is called volumes is of volumes, and stands where volumes are looked for."""

import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGE = ROOT / 'blockctl'


def names(folder, pattern='*.py'):
    return {path.stem for path in folder.glob(pattern)} - {'__init__'}


NOUNS = names(PACKAGE / 'api' / 'handlers')


@pytest.mark.parametrize('folder', ['api/schemas', 'api/views'])
def test_schemas_and_views_are_of_a_handler(folder):
    assert names(PACKAGE / folder) - NOUNS == set()


def test_rules_are_of_a_handler():
    assert names(PACKAGE / 'policies') - NOUNS - {'base_rules'} <= {'backups'}  # they come with their issue


def test_stories_are_of_a_handler():
    """volumes-quota.yaml is a story of volumes."""
    stories = {name.replace('-', '_') for name in names(ROOT / 'tests' / 'api', '*.yaml')} - {'versions'}
    assert [story for story in stories if not any(f'{story}_'.startswith(f'{noun}_') for noun in NOUNS)] == []


def test_unit_tests_are_where_what_they_test_is():
    top = ROOT / 'tests' / 'unit'
    folders = {path.parent.relative_to(top) for path in top.rglob('test_*.py')}
    missing = [folder for folder in folders if not (PACKAGE / folder).is_dir() and not (ROOT / folder).is_dir()]
    assert missing == []

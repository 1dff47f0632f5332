# SPDX-License-Identifier: Apache-2.0
"""Runs the stories: the YAML files beside this, each against an API of its own."""

import importlib.util
import pathlib
import sys

from gabbi import driver
from gabbi.driver import test_pytest  # noqa: F401 - pytest collects it; pytest_generate_tests gives it the stories

HERE = pathlib.Path(__file__).parent


def _fixtures():
    spec = importlib.util.spec_from_file_location('api_fixture', HERE / 'fixture.py')
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


fixture = sys.modules.get('api_fixture') or _fixtures()


def pytest_generate_tests(metafunc):
    driver.py_test_generator(str(HERE), intercept=fixture.application, fixture_module=fixture, metafunc=metafunc,
                             test_loader_name='stories')

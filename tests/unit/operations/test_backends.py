# SPDX-License-Identifier: Apache-2.0
"""Backends that administrators name."""

import types

import pytest
import stand_in

from blockctl import policies
from blockctl.db import services
from blockctl.operations import backends


@pytest.fixture
def ctx(any_app):
    ctx = stand_in.make_context(any_app)
    process = {'incarnation': 'i1', 'machine': 'm', 'boot': 'b', 'pid': 1, 'started': 1, 'version': '1'}
    with ctx.writing():
        for binary, host, cluster in (
                ('cinder-volume', 'left@deep', 'pair@deep'), ('cinder-volume', 'right@deep', 'pair@deep'),
                ('cinder-volume', 'alone@deep', None), ('cinder-scheduler', 'pair@deep', None)):
            services.register(ctx, binary, host, 'nova', process, cluster)
    return ctx


@pytest.mark.parametrize(('given', 'place'), [
    ({'host': 'left@deep'}, 'pair@deep'), ({'host': 'right@deep#ocean'}, 'pair@deep#ocean'),
    ({'host': 'pair@deep#ocean'}, 'pair@deep#ocean'), ({'cluster': 'pair@deep#ocean'}, 'pair@deep#ocean'),
    ({'host': 'alone@deep#ocean'}, 'alone@deep#ocean'),
    ({'cluster': 'alone@deep'}, None), ({'cluster': 'left@deep'}, None), ({'host': 'left'}, None), ({}, None)])
def test_a_service_of_a_cluster_names_its_backend(ctx, given, place):
    with ctx.reading():
        assert backends.place(ctx, **given) == place
        assert backends.serves(ctx, place) is (place is not None)


def test_what_is_refused_while_frozen_are_rights_there_are():
    rules = {rule.name for rule in policies.list_rules()}
    assert sorted(backends._REFUSED_WHILE_FROZEN - rules) == []


def test_others_ask_the_database_nothing():
    """A look at a volume costs no statement more."""
    backends.must_be_thawed(types.SimpleNamespace(conn=None), 'volume:get', 'alone@deep#ocean')
    backends.must_be_thawed(types.SimpleNamespace(conn=None), 'volume:delete', None)

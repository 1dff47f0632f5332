# SPDX-License-Identifier: Apache-2.0
"""blockctl-rtstool where there is no LIO: the kernel's own is in tests/lvm/test_hosts.py."""

import types

import pytest

from blockctl.cmd import rtstool
from blockctl.cmd import targettool


class Portals:
    """Stands in for rtslib, whose portals for RDMA can be made on such hardware only."""

    def __init__(self):
        self.made = {}

    def NetworkPortal(self, _group, host, port, mode):
        assert mode == 'any'
        return self.made.setdefault((host, port), types.SimpleNamespace(iser=False))


def test_portals_by_rdma_are_said_to_be():
    lio = Portals()
    rtstool.serve(lio, None, ['192.0.2.1:3260', '[2001:db8::1]:3261'], True)
    assert {where: portal.iser for where, portal in lio.made.items()} == {
        ('192.0.2.1', 3260): True, ('[2001:db8::1]', 3261): True}
    rtstool.serve(lio, None, ['192.0.2.1:3260'], False)
    assert not lio.made['192.0.2.1', 3260].iser


def test_what_is_there_or_has_lost_its_device_is_not_made_again(tmp_path):
    def target(name):
        return {'wwn': name, 'tpgs': [{'luns': [{'storage_object': f'/backstores/block/{name}'}]}]}

    for name in ('there', 'half', 'missing'):
        (tmp_path / name).touch()
    names = ('there', 'half', 'missing', 'lost')
    saved = {'fabric_modules': [], 'targets': [target(name) for name in names], 'storage_objects': [
        {'plugin': 'block', 'name': name, 'dev': str(tmp_path / name)} for name in names]}
    made = rtstool.missing(saved, {'there'}, {'/backstores/block/there', '/backstores/block/half'})
    assert [each['wwn'] for each in made['targets']] == ['half', 'missing']
    assert [each['name'] for each in made['storage_objects']] == ['missing']
    assert made['fabric_modules'] == []


@pytest.mark.parametrize('text', ['192.0.2.1', '192.0.2.1:', '192.0.2.1:iscsi', ''])
def test_an_address_without_a_port(text):
    with pytest.raises(ValueError, match='has no port'):
        targettool.address(text)


def test_arguments_are_not_guessed_at(capsys):
    """An abbreviation could be what somebody else's word becomes."""
    with pytest.raises(SystemExit):
        rtstool.main(['revoke', '--name', 'volume-1', '--iqn', 'iqn.2010-10.org.example:1', '--unu'])
    assert '--unu' in capsys.readouterr().err

# SPDX-License-Identifier: Apache-2.0
"""QoS limits of the driver ``rbd`` on a real cluster: what librbd reads of them, and what a clone has."""

import pytest

from blockctl import exceptions
from blockctl import qos
from blockctl.drivers.rbd import limits

from . import stands

if not stands.CEPH_CONF:
    pytest.skip('rbd needs a Ceph cluster for tests: name its ceph.conf in BLOCKCTL_TEST_CEPH_CONF '
                '("tools/services up ceph" starts one)', allow_module_level=True)

rbd = pytest.importorskip('rbd', reason='python3-rbd is not installed')

pytestmark = pytest.mark.drivers('rbd')


def metadata(stand, volume):
    with rbd.Image(stand.ioctx, volume.name, read_only=True) as image:
        return dict(image.metadata_list())


def in_force(stand, volume):
    """{option of librbd: value} that an image has of its own."""
    with rbd.Image(stand.ioctx, volume.name, read_only=True) as image:
        return {option['name']: option['value'] for option in image.config_list()
                if option['source'] == rbd.RBD_CONFIG_SOURCE_IMAGE}


def test_every_limit_is_an_option_of_librbd(stand):
    volume = stand.made()
    wanted = {name: 1000 + number for number, name in enumerate(sorted(limits.KEYS))}
    assert set(wanted) == {limit + suffix for limit in qos.LIMITS for suffix in ('', '_max')}
    stand.driver.limit(volume, wanted, stand.effect())
    assert in_force(stand, volume) == {
        limits.KEYS[name].removeprefix('conf_'): str(value) for name, value in wanted.items()}


def test_only_what_is_wanted_is_left(stand):
    volume = stand.made()
    with rbd.Image(stand.ioctx, volume.name) as image:
        image.metadata_set('mine', 'stays')
    for wanted, expected in (
            ({'total_iops_sec': 900, 'read_bytes_sec_max': 300},
             {'conf_rbd_qos_iops_limit': '900', 'conf_rbd_qos_read_bps_burst': '300'}),
            ({'total_iops_sec': 901}, {'conf_rbd_qos_iops_limit': '901'}),
            ({}, {})):
        for epoch in (1, 2):
            stand.driver.limit(volume, wanted, stand.effect(epoch=epoch))
            assert metadata(stand, volume) == {'mine': 'stays', **expected}


def test_broken_off_anywhere_it_is_finished(stand):
    volume = stand.made()
    first, second = {'total_iops_sec': 1, 'read_iops_sec': 2}, {'total_iops_sec': 3, 'write_bytes_sec': 4}
    stand.driver.limit(volume, first, stand.effect())
    counting = stand.effect()
    stand.driver.limit(volume, second, counting)
    after = metadata(stand, volume)
    for number in range(counting.checks):
        stand.driver.limit(volume, first, stand.effect(epoch=2))
        with pytest.raises(exceptions.LeaseLost):
            stand.driver.limit(volume, second, stand.effect(lose_at=number))
        stand.driver.limit(volume, second, stand.effect(epoch=3))
        assert metadata(stand, volume) == after
    assert counting.checks == 3


def test_a_clone_has_its_parents_until_it_gets_its_own(stand):
    volume, new = stand.made(), stand.volume()
    stand.driver.limit(volume, {'total_iops_sec': 900}, stand.effect())
    stand.driver.clone(new, volume, stand.effect())
    assert metadata(stand, new) == {'conf_rbd_qos_iops_limit': '900'}
    stand.driver.limit(new, {}, stand.effect())
    assert metadata(stand, new) == {}
    assert metadata(stand, volume) == {'conf_rbd_qos_iops_limit': '900'}


def test_while_it_is_in_use(stand):
    volume = stand.made()
    with rbd.Image(stand.ioctx, volume.name) as image:
        image.write(b'x', 0)
        stand.driver.limit(volume, {'total_iops_sec': 900}, stand.effect())
        image.write(b'y', 0)
    assert metadata(stand, volume) == {'conf_rbd_qos_iops_limit': '900'}


def test_of_what_is_absent(stand):
    with pytest.raises(exceptions.NotFoundOnBackend):
        stand.driver.limit(stand.volume(), {}, stand.effect())

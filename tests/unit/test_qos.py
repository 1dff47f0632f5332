# SPDX-License-Identifier: Apache-2.0
import pytest

from blockctl import qos


@pytest.mark.parametrize(('specs', 'told'), [
    ({'read_iops_sec': '100', 'odd': 'word'}, {'read_iops_sec': '100', 'odd': 'word'}),
    ({'nothing': None, 'a': 'b'}, {'a': 'b'}),
    ({}, None),
    ({'nothing': None}, None),
    # for each GiB, of two
    ({'write_iops_sec_per_gb': '3'}, {'write_iops_sec': 6}),
    ({'write_iops_sec_per_gb': '3', 'write_iops_sec': '9'}, {'write_iops_sec': 6}),
    ({'total_iops_sec_per_gb': '1', 'total_iops_sec_per_gb_min': '50'}, {'total_iops_sec': 50}),
    ({'total_bytes_sec_per_gb': '7', 'total_bytes_sec_max': '5'}, {'total_bytes_sec': 5}),
    ({'read_bytes_sec_per_gb': '100', 'read_bytes_sec_per_gb_min': '500', 'read_bytes_sec_max': '300'},
     {'read_bytes_sec': 300}),
    # without the limit itself, its bounds go along
    ({'read_iops_sec_max': '9', 'read_bytes_sec_per_gb_min': '77'},
     {'read_iops_sec_max': '9', 'read_bytes_sec_per_gb_min': '77'}),
    # stored before it had to be a number
    ({'read_iops_sec_per_gb': 'many', 'a': 'b'}, {'a': 'b'})])
def test_what_the_host_is_told(specs, told):
    assert qos.for_host('front-end', specs, 2) == told
    assert qos.for_host('both', specs, 2) == told
    assert qos.for_host('back-end', specs, 2) is None


def test_what_the_storage_keeps():
    specs = {'total_iops_sec': '900', 'read_bytes_sec_max': '300', 'write_iops_sec_per_gb': '3', 'odd': 'word',
             'read_iops_sec': None, 'write_bytes_sec': 'many'}
    assert qos.for_storage('back-end', specs) == {'total_iops_sec': 900, 'read_bytes_sec_max': 300}
    assert qos.for_storage('both', specs) == {'total_iops_sec': 900, 'read_bytes_sec_max': 300}
    assert qos.for_storage('front-end', specs) == {}


def test_of_no_type():
    assert qos.for_host(None, {}, 2) is None
    assert qos.for_storage(None, {}) == {}

# SPDX-License-Identifier: Apache-2.0
import pytest

from blockctl import extra_specs

REPORT = {'volume_backend_name': 'one', 'free_capacity_gb': 50.5, 'multiattach': True, 'compression': ['lz4', 'zstd'],
          'nested': {'depth': 3}, 'name': 'fast ssd'}


@pytest.mark.parametrize('spec', [
    {}, {'volume_backend_name': 'one'}, {'capabilities:volume_backend_name': 'one'}, {'multiattach': '<is> True'},
    {'multiattach': '<is> yes'}, {'free_capacity_gb': '>= 50'}, {'free_capacity_gb': '= 50'},
    {'free_capacity_gb': '<= 50.5'}, {'free_capacity_gb': '== 50.5'}, {'free_capacity_gb': '!= 50'},
    {'volume_backend_name': 's== one'}, {'volume_backend_name': 's!= two'}, {'volume_backend_name': 's< p'},
    {'volume_backend_name': 's>= one'}, {'volume_backend_name': '<or> two <or> one'}, {'name': '<in> ssd'},
    {'name': '<in> ssd <in> fast'}, {'compression': 'zstd'}, {'capabilities:nested:depth': '3'},
    {'RESKEY:availability_zones': 'moon'}, {'quota:iops': '5'}])
def test_satisfied(spec):
    assert extra_specs.satisfied(REPORT, spec)


@pytest.mark.parametrize('spec', [
    {'volume_backend_name': 'two'}, {'volume_backend_name': None}, {'absent': 'x'}, {'multiattach': '<is> False'},
    {'free_capacity_gb': '>= 51'}, {'free_capacity_gb': '>= much'}, {'free_capacity_gb': '>='},
    {'volume_backend_name': '>= 5'}, {'volume_backend_name': 's== two'}, {'volume_backend_name': '<or> two <or> three'},
    {'name': '<in> hdd'}, {'compression': 'gzip'}, {'nested:depth': 'unscoped', 'volume_backend_name': 'two'},
    {'volume_backend_name': 'one', 'multiattach': '<is> no'}])
def test_not_satisfied(spec):
    assert not extra_specs.satisfied(REPORT, spec)

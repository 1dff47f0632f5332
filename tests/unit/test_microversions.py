# SPDX-License-Identifier: Apache-2.0
import pytest

from blockctl import exceptions
from blockctl import microversions
from blockctl.api import negotiation


def test_the_table_has_every_version_once_in_order():
    assert [row.version for row in microversions.TABLE] == [(3, minor) for minor in range(72)]
    assert len({row.name for row in microversions.TABLE}) == 72
    assert all(row.what.endswith('.') for row in microversions.TABLE)


def test_versions_have_names():
    assert microversions.EXTEND_IN_USE == (3, 42)
    with pytest.raises(AttributeError):
        microversions.NOTHING_OF_THE_KIND  # noqa: B018


@pytest.mark.parametrize('text', ['', '3', '3.', '.3', '3.01', '03.1', '+3.1', '3.1 ', '3.1.1', '٣.1', 'latest', '-3.1',
                                  '1e1.0', '3.1\n', '3.' + '1' * 5000])
def test_what_is_no_version(text):
    with pytest.raises(ValueError, match='not a version'):
        microversions.parse(text)


@pytest.mark.parametrize(('header', 'version'), [
    (None, '3.0'), ('volume 3.5', '3.5'), ('volume latest', '3.71'), ('Volume 3.5', '3.5'), ('compute 2.1', '3.0'),
    ('compute 2.1,volume 3.9', '3.9'), ('volume 3.9, compute 2.1', '3.9'), ('volume', '3.0'), ('', '3.0')])
def test_negotiation(header, version):
    environ = {} if header is None else {'HTTP_OPENSTACK_API_VERSION': header}
    assert str(negotiation.negotiate(environ)) == version


@pytest.mark.parametrize(('header', 'error'), [
    ('volume 3.72', exceptions.NotAcceptable), ('volume 4.0', exceptions.NotAcceptable),
    ('volume 2.9', exceptions.NotAcceptable), ('volume x', exceptions.InvalidRequest),
    ('volume 3.5 beta', exceptions.InvalidRequest)])
def test_what_is_refused(header, error):
    with pytest.raises(error):
        negotiation.negotiate({'HTTP_OPENSTACK_API_VERSION': header})

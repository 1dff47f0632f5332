# SPDX-License-Identifier: Apache-2.0
"""What blockctl-volume refuses to start with."""

import types

import pytest

from blockctl import exceptions
from blockctl.cmd import process
from blockctl.volume import service


def made(tmp_path, *lines, jobs=''):
    """The services of a configuration with one backend of files, whose section has these lines too."""
    path = tmp_path / 'blockctl.conf'
    path.write_text('\n'.join((
        '[DEFAULT]', f'state_path = {tmp_path}', 'enabled_backends = here', '[jobs]', jobs, '[here]',
        'volume_driver = file', f'file_directory = {tmp_path}/images', *lines)))
    app = process.compose(process.configure(['blockctl-volume', '--config-file', str(path)]), 'embedded://')
    try:
        return service.Service(app, types.SimpleNamespace())
    finally:
        app.db.dispose()


@pytest.mark.parametrize(('lines', 'jobs'), [((), ''), (['backend_call_timeout = 45'], ''),
                                             (['backend_call_timeout = 240'], 'lease = 320')])
def test_calls_that_fit_a_lease(tmp_path, lines, jobs):
    assert made(tmp_path, *lines, jobs=jobs)


@pytest.mark.parametrize(('lines', 'jobs'), [(['backend_call_timeout = 46'], ''), ((), 'lease = 39')])
def test_calls_that_outlast_a_lease_are_refused_by_name(tmp_path, lines, jobs):
    with pytest.raises(exceptions.ConfigurationError, match=r'\[here\] backend_call_timeout is .*\[jobs\] lease'):
        made(tmp_path, *lines, jobs=jobs)

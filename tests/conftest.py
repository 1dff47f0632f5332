# SPDX-License-Identifier: Apache-2.0
"""For all tests: they see the libraries as our processes do."""

import blockctl.cmd  # noqa: F401 - says that there is no eventlet, before anything looks


def pytest_make_parametrize_id(config, val, argname):
    """No colon in the name of a test but those of stories: gabbi's plugin takes its part before one for a story's."""
    return val.replace(':', '.') if isinstance(val, str) and ':' in val else None

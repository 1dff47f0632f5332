# SPDX-License-Identifier: Apache-2.0
"""The version of what is installed."""

import importlib.metadata


def text():
    """Such as '0.1.0'; '0' in a tree that is not installed."""
    try:
        return importlib.metadata.version('blockctl')
    except importlib.metadata.PackageNotFoundError:
        return '0'

# SPDX-License-Identifier: Apache-2.0
"""Everything is in setup.cfg."""

import setuptools

setuptools.setup()

# SPDX-License-Identifier: Apache-2.0
"""Requests about metadata of volumes: free pairs of text."""

from blockctl.api import parameter_types as t
from blockctl.api.versioned import Pairs

MANY = Pairs('metadata', t.METADATA)

ONE = Pairs('meta', {**t.METADATA, 'minProperties': 1, 'maxProperties': 1})

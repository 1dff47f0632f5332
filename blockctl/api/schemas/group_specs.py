# SPDX-License-Identifier: Apache-2.0
"""Requests about specs of group types: free pairs of text, or of null."""

from blockctl.api import parameter_types as t
from blockctl.api.versioned import Pairs

CREATE = Pairs('group_specs', t.ADDRESSABLE_EXTRA_SPECS)

ONE = Pairs(None, {**t.ADDRESSABLE_EXTRA_SPECS, 'minProperties': 1, 'maxProperties': 1})

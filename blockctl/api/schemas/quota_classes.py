# SPDX-License-Identifier: Apache-2.0
"""Requests about quota classes."""

from blockctl.api import parameter_types as t
from blockctl.api.versioned import Pairs

UPDATE = Pairs('quota_class_set', {'type': 'object', 'additionalProperties': t.QUOTA_LIMIT_OR_DIGITS})

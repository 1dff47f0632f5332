# SPDX-License-Identifier: Apache-2.0
"""Requests about quota: limits by the names of what they limit. Which names there are depends on the types."""

from blockctl.api import parameter_types as t
from blockctl.api.versioned import Pairs

#: What clients send along that is no limit.
NOT_LIMITS = ('tenant_id', 'id')

UPDATE = Pairs('quota_set', {
    'type': 'object', 'minProperties': 1, 'additionalProperties': t.QUOTA_LIMIT,
    'properties': dict.fromkeys(NOT_LIMITS, t.ANYTHING)})

# SPDX-License-Identifier: Apache-2.0
"""Encryption of volume types."""

from blockctl.policies.base_rules import ADMIN
from blockctl.policies.base_rules import rules

_ALL, _ONE = '/types/{type_id}/encryption', '/types/{type_id}/encryption/{encryption_id}'

RULES = rules(
    ('volume_extension:volume_type_encryption', ADMIN,
     'Everything about how volumes of a type are encrypted: for policy files that name it.',
     [('GET', _ALL), ('POST', _ALL), ('GET', _ONE), ('PUT', _ONE), ('DELETE', _ONE)]),
    ('volume_extension:volume_type_encryption:create', ADMIN, 'Have volumes of a type be encrypted.',
     [('POST', _ALL)]),
    ('volume_extension:volume_type_encryption:get', ADMIN, 'See how volumes of a type are encrypted.',
     [('GET', _ALL), ('GET', _ONE)]),
    ('volume_extension:volume_type_encryption:update', ADMIN, 'Change how volumes of a type will be encrypted.',
     [('PUT', _ONE)]),
    ('volume_extension:volume_type_encryption:delete', ADMIN, 'Have volumes of a type not be encrypted.',
     [('DELETE', _ONE)]),
)


def list_rules():
    return RULES

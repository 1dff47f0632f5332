# SPDX-License-Identifier: Apache-2.0
"""How older clients see group snapshots."""

from blockctl.api.versioned import Field
from blockctl.api.versioned import View
from blockctl.api.versioned import time

#: In a list without details; also what making one answers.
BRIEF = View('cgsnapshot', 'cgsnapshots', Field('id'), Field('name'))

DETAIL = View(
    'cgsnapshot', 'cgsnapshots',
    Field('id'),
    Field('consistencygroup_id', 'group_id'),
    Field('status'),
    time('created_at'),
    Field('name'),
    Field('description'))

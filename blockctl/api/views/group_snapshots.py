# SPDX-License-Identifier: Apache-2.0
"""How group snapshots are shown."""

from blockctl.api.versioned import Field
from blockctl.api.versioned import View
from blockctl.api.versioned import time

#: A group snapshot in a list without details.
BRIEF = View('group_snapshot', 'group_snapshots', Field('id'), Field('name'), links_key='group_snapshot_links')

#: What making one answers.
CREATED = View('group_snapshot', 'group_snapshots', *BRIEF.fields, Field('group_type_id'))

DETAIL = View(
    'group_snapshot', 'group_snapshots',
    Field('id'),
    Field('group_id'),
    Field('group_type_id'),
    Field('status'),
    time('created_at'),
    Field('name'),
    Field('description'),
    Field('project_id', since='3.58', rule='group:group_snapshot_project_attribute'),
    links_key='group_snapshot_links')

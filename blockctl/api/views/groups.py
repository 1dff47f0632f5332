# SPDX-License-Identifier: Apache-2.0
"""How groups are shown. ``seen.related`` is db.groups.Related."""

from blockctl.api.versioned import ABSENT
from blockctl.api.versioned import Field
from blockctl.api.versioned import View
from blockctl.api.versioned import time


def volume_types(group_id, seen):
    return seen.related.volume_types.get(group_id, [])


def _volumes(group_id, seen):
    return ABSENT if seen.related.volumes is None else seen.related.volumes.get(group_id, [])


#: A group in a list without details; also what making one answers.
BRIEF = View('group', 'groups', Field('id'), Field('name'), links_key='group_links')

DETAIL = View(
    'group', 'groups',
    Field('id'),
    Field('status'),
    Field('availability_zone'),
    time('created_at'),
    Field('name'),
    Field('description'),
    Field('group_type', 'group_type_id'),
    Field('volume_types', volume_types, of='id'),
    Field('group_snapshot_id', since='3.14'),
    Field('source_group_id', since='3.14'),
    Field('volumes', _volumes, of='id', since='3.25', optional=True),
    Field('replication_status', since='3.38'),
    Field('project_id', since='3.58', rule='group:group_project_attribute'),
    links_key='group_links')

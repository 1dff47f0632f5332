# SPDX-License-Identifier: Apache-2.0
"""How snapshots are shown."""

from blockctl.api.versioned import Field
from blockctl.api.versioned import View
from blockctl.api.versioned import time


def _metadata(snapshot_id, seen):
    return seen.related[snapshot_id]


def _progress(progress, seen):
    return progress or '0%'


_ALWAYS = (
    Field('id'),
    time('created_at'),
    time('updated_at'),
    Field('name'),
    Field('description'),
    Field('volume_id'),
    Field('status'),
    Field('size', 'volume_size'),
    Field('metadata', _metadata, of='id'))

_SINCE = (
    Field('group_snapshot_id', since='3.14'),
    Field('user_id', since='3.41'),
    Field('consumes_quota', 'use_quota', since='3.65'))

#: A snapshot in a list without details.
BRIEF = View('snapshot', 'snapshots', *_ALWAYS)

#: What taking and changing a snapshot answer.
CHANGED = View('snapshot', 'snapshots', *_ALWAYS, *_SINCE)

#: A snapshot shown alone, or in a list with details.
DETAIL = View(
    'snapshot', 'snapshots', *_ALWAYS, *_SINCE,
    Field('os-extended-snapshot-attributes:project_id', 'project_id',
          rule='volume_extension:extended_snapshot_attributes'),
    Field('os-extended-snapshot-attributes:progress', _progress, of='progress',
          rule='volume_extension:extended_snapshot_attributes'))

# SPDX-License-Identifier: Apache-2.0
"""How offers of volumes are shown. Links name the older of the two paths, as in the reference."""

from blockctl.api.versioned import Field
from blockctl.api.versioned import View
from blockctl.api.versioned import links
from blockctl.api.versioned import time


def _left_out(with_snapshots, seen):
    return not with_snapshots


def _key(transfer_id, seen):
    return seen.related


def _nobody(transfer_id, seen):
    """Whose it is by now: an offer that is accepted is gone, so of those that are shown nobody's."""


def _accepted(transfer_id, seen):
    return _nobody(transfer_id, seen) is not None


_BRIEF = (Field('id'), Field('volume_id'), Field('name'), links('links', 'os-volume-transfer'))

_DETAIL = (
    *_BRIEF,
    time('created_at'),
    Field('no_snapshots', _left_out, of='with_snapshots', since='3.55'),
    Field('source_project_id', 'project_id', since='3.57'),
    Field('destination_project_id', _nobody, of='id', since='3.57'),
    Field('accepted', _accepted, of='id', since='3.57'))

#: An offer in a list without details, and as it is accepted.
BRIEF = View('transfer', 'transfers', *_BRIEF)

#: An offer shown alone, or in a list with details.
DETAIL = View('transfer', 'transfers', *_DETAIL)

#: An offer as it is made: with its key, this once.
CREATED = View('transfer', 'transfers', *_DETAIL, Field('auth_key', _key, of='id'))

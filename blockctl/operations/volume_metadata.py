# SPDX-License-Identifier: Apache-2.0
"""Metadata of volumes: read, and changed only as it was when the caller read it."""

import hashlib
import json

from blockctl import exceptions
from blockctl.db import deadlocks
from blockctl.db import volume_changes
from blockctl.db import volumes as db_volumes
from blockctl.operations import volumes


def fingerprint(metadata):
    """A text that differs when the metadata differs; its order does not count."""
    text = json.dumps(metadata, sort_keys=True)
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def read(ctx, volume_id):
    """{key: value}."""
    with ctx.reading():
        volumes.visible(ctx, volume_id, 'volume:get_volume_metadata')
        return volume_changes.metadata(ctx, volume_id)


def read_one(ctx, volume_id, key):
    """The value. Raises VolumeMetadataNotFound."""
    return _find(read(ctx, volume_id), volume_id, key)


def add(ctx, volume_id, pairs, seen=None):
    """Add or overwrite ``pairs``. Returns all metadata.

    ``seen``: fingerprints one of which the metadata must have now (None: any); else PreconditionFailed.
    """
    return _set(ctx, volume_id, 'volume:create_volume_metadata', pairs, seen, replace=False)


def replace(ctx, volume_id, pairs, seen=None):
    """Make ``pairs`` the only metadata. Returns it."""
    return _set(ctx, volume_id, 'volume:update_volume_metadata', pairs, seen, replace=True)


def change(ctx, volume_id, key, value, seen=None):
    """Set one key, which may be new."""
    _set(ctx, volume_id, 'volume:update_volume_metadata', {key: value}, seen, replace=False)


@deadlocks.retried
def remove(ctx, volume_id, key, seen=None):
    """Remove one key. Raises VolumeMetadataNotFound."""
    with ctx.writing():
        now = _locked(ctx, volume_id, 'volume:delete_volume_metadata')
        _find(now, volume_id, key)
        _check(now, seen)
        volume_changes.delete_metadata(ctx, volume_id, key)


@deadlocks.retried
def _set(ctx, volume_id, rule, pairs, seen, replace):
    with ctx.writing():
        now = _locked(ctx, volume_id, rule)
        _check(now, seen)
        volume_changes.set_metadata(ctx, volume_id, pairs, replace)
    return dict(pairs) if replace else {**now, **pairs}


def _locked(ctx, volume_id, rule):
    row = volumes.visible(ctx, volume_id, rule)
    db_volumes.lock(ctx, volume_id, row.project_id)
    return volume_changes.metadata(ctx, volume_id)


def _check(metadata, seen):
    if seen is not None and fingerprint(metadata) not in seen:
        raise exceptions.PreconditionFailed(reason='If-Match: the metadata has changed')


def _find(metadata, volume_id, key):
    if key not in metadata:
        raise exceptions.VolumeMetadataNotFound(volume_id=volume_id, key=key)
    return metadata[key]

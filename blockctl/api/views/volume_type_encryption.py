# SPDX-License-Identifier: Apache-2.0
"""How the encryption of a volume type is shown: by its names alone, without a key around them."""


def created(row, asked):
    """What creating one answers: what was ``asked`` for, and what it is known by."""
    return {**asked, 'volume_type_id': row.volume_type_id, 'encryption_id': row.encryption_id}


def detail(row):
    """{name: value} of a row; nothing when there is none (None). It is never deleted and still there."""
    if row is None:
        return {}
    names = ('encryption_id', 'volume_type_id', 'provider', 'cipher', 'key_size', 'control_location')
    return {name: getattr(row, name) for name in names} | {
        'created_at': _time(row.created_at), 'updated_at': _time(row.updated_at), 'deleted_at': None, 'deleted': False}


def _time(moment):
    return None if moment is None else moment.isoformat('T', 'microseconds')

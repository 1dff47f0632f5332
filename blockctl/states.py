# SPDX-License-Identifier: Apache-2.0
"""The state machines, as tables: one row per event, the states it may start from, the state it leads to.

``db.transition`` is the only code that moves a row, and it asks these tables.  Whatever moves a resource into a
transitional state posts, in the same transaction, the job that will move it out (DESIGN.md section 4, rule 3).
"""

import dataclasses


#: In place of a target: the event is allowed in its sources, and leaves the state as it is.
SAME = None

#: Last in a row whose event may happen while a job of another resource reads this one (db/holds.py).
HELD_TOO = True

#: Last in a row whose event is one of the job that keeps the row to itself (holds.hold).
BY_ITS_KEEPER = 'by its keeper'

#: The first state of a volume that is not created, but taken over from its backend.
MANAGING = 'managing'

#: ``migration_status`` of a volume that does not move (any more).
NOT_MIGRATING = (None, 'success', 'error')


@dataclasses.dataclass(frozen=True, slots=True)
class Move:
    """``event`` takes a row from one of ``sources`` to ``target`` (SAME: it stays)."""

    event: str
    sources: tuple[str, ...]
    target: str | None
    why: str
    held_too: bool | str = False


class Machine:
    """A resource's states. Raises ValueError at definition when two rows name one event."""

    def __init__(self, resource, initial, rows, transitional, settable=()):
        """``settable``: the states an administrator may set by his word, whatever the state is (os-reset_status)."""
        self.resource = resource
        self.initial = initial
        self.settable = tuple(settable)
        self.moves = {}
        self.transitional = frozenset(transitional)
        for event, sources, *rest in rows:
            if event in self.moves:
                raise ValueError(f'{resource}: two rows for event {event}')
            sources = (sources,) if isinstance(sources, str) else tuple(sources)
            self.moves[event] = Move(event, sources, *rest)

    @property
    def states(self):
        """Every state a row can be in."""
        return frozenset({self.initial, *self.settable}
                         | {m.target for m in self.moves.values() if m.target is not SAME}
                         | {s for m in self.moves.values() for s in m.sources})


#: The reference's, in its order: what clients know as a volume's states.
_VOLUME_STATES = (
    'creating', 'available', 'deleting', 'error', 'error_deleting', 'error_managing', 'managing', 'attaching', 'in-use',
    'detaching', 'maintenance', 'restoring-backup', 'error_restoring', 'reserved', 'awaiting-transfer', 'backing-up',
    'error_backing-up', 'error_extending', 'downloading', 'uploading', 'retyping', 'extending')
_NOT_MAINTAINED = tuple(state for state in _VOLUME_STATES if state not in ('maintenance', 'uploading'))

#: The states that follow from a volume's attachments ('error': until the last one changes); others are not touched.
_BY_ATTACHMENTS = ('available', 'reserved', 'attaching', 'in-use', 'detaching', 'error')
_ATTACHABLE = tuple(state for state in _BY_ATTACHMENTS if state != 'error')
_NOT_IN_MAINTENANCE = tuple(state for state in _VOLUME_STATES if state != 'maintenance')
#: It is, or may be, on a backend, and stays there.
_CONNECTABLE = tuple(state for state in _NOT_IN_MAINTENANCE
                     if state not in ('creating', 'deleting', 'managing', 'error_managing', 'retyping'))

VOLUME = Machine('volume', initial='creating', settable=_VOLUME_STATES,
                 transitional=('creating', 'deleting', 'extending', 'retyping', 'reverting', MANAGING), rows=[
    # event               from                                to           why
    ('create.done',       'creating',                         'available', 'its image is complete on the backend'),
    ('create.fail',       'creating',                         'error',     'no pool could take it; a message says why'),
    ('create.strand',     'creating',                         'error',     'its backend is gone since it began there'),
    ('delete',            ('available', 'error', 'error_restoring', 'error_extending', 'error_managing',
                           'error_deleting'),                 'deleting',  'a tenant wants it gone'),
    ('delete.force',      (*_VOLUME_STATES, 'reverting'),     'deleting',  'an administrator wants it gone as it is'),
    ('delete.fail',       'deleting',                         'error_deleting', 'the backend refuses for good'),
    ('snapshot',          ('available', 'in-use'),            SAME,        'a snapshot of it is taken', HELD_TOO),
    ('snapshot.unused',   'available',                        SAME,        'the same, if no server has it', HELD_TOO),
    ('clone',             ('available', 'in-use'),            SAME,        'another volume is made of it', HELD_TOO),
    # --- revert
    ('revert',            'available',                        'reverting', 'a tenant wants its latest snapshot back'),
    ('revert.done',       ('reverting', 'error'),             'available', 'it has the data of the snapshot', HELD_TOO),
    ('revert.fail',       'reverting',                        'error',     'the backend could not; half may be done'),
    ('revert.refuse',     'reverting',                        'available', 'the backend cannot, and did nothing'),
    # --- extend
    ('extend',            'available',                        'extending', 'a tenant wants it larger'),
    ('extend.attached',   'in-use',                           'extending', 'the same, while a server has it'),
    ('extend.done',       ('extending', 'error_extending'),   'available', 'its image has the new size', HELD_TOO),
    ('extend.done.attached', ('extending', 'error_extending'), 'in-use',   'the same, and a server has it', HELD_TOO),
    ('extend.fail',       'extending',                        'error_extending', 'the backend could not', HELD_TOO),
    # --- migrate: without a lock its status stays, and the job keeps the row to itself
    ('migrate',           'available',                        SAME,        'an administrator moves it to another pool'),
    ('migrate.lock',      'available',                        'maintenance', 'the same, and nobody is to use it'),
    ('migrate.claim',     ('available', 'maintenance', 'retyping'), SAME,  'a pool is promised to it', BY_ITS_KEEPER),
    ('migrate.end',       'available',                        SAME,        'it has moved, or stays', BY_ITS_KEEPER),
    ('migrate.unlock',    'maintenance',                      'available', 'the same', BY_ITS_KEEPER),
    # --- retype: with or without a move
    ('retype',            'available',                        'retyping',  'a tenant wants another type for it'),
    ('retype.attached',   'in-use',                           'retyping',  'the same, while a server has it'),
    ('retype.end',        'retyping',                         'available', 'it has its new type, or the old one'),
    ('retype.end.attached', 'retyping',                       'in-use',    'the same, and a server has it'),
    # --- manage
    ('manage.done',       MANAGING,                           'available', 'its image has its name'),
    ('manage.fail',       MANAGING,                           'error_managing', 'its image could not be had'),
    ('unmanage',          ('available', 'error', 'error_restoring', 'error_extending', 'error_managing'), SAME,
     'an administrator takes its image out'),
    # --- attach: what is asked; where that leads to is said by its attachments
    ('attach.reserve',    'available',                        'reserved',  'a server is to have it', HELD_TOO),
    ('attach.share',      'in-use',                           SAME,        'several servers may have it', HELD_TOO),
    ('attach.again',      ('available', 'reserved', 'in-use'), SAME,       'its server moves', HELD_TOO),
    ('attach.connect',    _ATTACHABLE,                        SAME,        'the host of a server is known', HELD_TOO),
    ('attach.legacy',     ('available', 'attaching', 'in-use', 'detaching'), SAME, 'a server says it has it', HELD_TOO),
    ('detach.legacy',     _NOT_IN_MAINTENANCE,                SAME,        'a server says it has it no more', HELD_TOO),
    ('reserve',           'available',                        'attaching', 'a server is about to have it', HELD_TOO),
    ('reserve.share',     'in-use',                           'attaching', 'the same, and others have it', HELD_TOO),
    ('unreserve',         'attaching',                        SAME,        'that server will not', HELD_TOO),
    ('begin_detaching',   'in-use',                           'detaching', 'a server is about to let it go', HELD_TOO),
    ('roll_detaching',    'detaching',                        SAME,        'that server keeps it', HELD_TOO),
    ('detach.unsaid',     ('reserved', 'attaching', 'in-use', 'detaching'), SAME, 'no attachment says so', HELD_TOO),
    ('connection',        _CONNECTABLE,                       SAME,        'a host asks how to reach it', HELD_TOO),
    # --- attach: the first of these that one of its attachments has (db/attachments.py)
    ('attachments.attached', _BY_ATTACHMENTS,                 'in-use',    'a server has it', HELD_TOO),
    ('attachments.attaching', _BY_ATTACHMENTS,                'attaching', 'a host can reach it', HELD_TOO),
    ('attachments.detaching', _BY_ATTACHMENTS,                'detaching', 'its connection is taken back', HELD_TOO),
    ('attachments.reserved', _BY_ATTACHMENTS,                 'reserved',  'a server is to have it', HELD_TOO),
    ('attachments.detached', _BY_ATTACHMENTS,                 'available', 'there are none', HELD_TOO),
    ('attachments.apart', tuple(state for state in _VOLUME_STATES if state not in _BY_ATTACHMENTS), SAME,
     'other work on it goes on', HELD_TOO),
    # --- groups
    ('group.join',        ('available', 'in-use'),            SAME,        'it is put into a group'),
    ('group.leave',       ('available', 'in-use', 'error', 'error_deleting'), SAME, 'it is taken out of its group'),
    # --- transfer
    ('transfer',          'available',                        'awaiting-transfer', 'it is offered'),
    ('transfer.take',     'awaiting-transfer',                SAME,        'another project is about to get its key'),
    ('transfer.accept',   'awaiting-transfer',                'available', 'another project takes it'),
    ('transfer.withdraw', 'awaiting-transfer',                'available', 'it is offered no more', HELD_TOO),
    # --- what does not move it
    ('readonly',          'available',                        SAME,        'it may be written to, or may not'),
    ('image_metadata',    _NOT_MAINTAINED,                    SAME,        'what is known of its image', HELD_TOO),
])

#: The reference's, in its order, as for volumes.
_SNAPSHOT_STATES = ('error', 'available', 'creating', 'deleting', 'deleted', 'updating', 'error_deleting', 'unmanaging',
                    'backing-up', 'restoring')

SNAPSHOT = Machine('snapshot', initial='creating', settable=_SNAPSHOT_STATES,
                   transitional=('creating', 'deleting', 'restoring'), rows=[
    # event               from                                to           why
    ('create.done',       ('creating', 'error'),              'available', 'the backend has it'),
    ('create.fail',       'creating',                         'error',     'the backend could not take it'),
    ('delete',            ('available', 'error', 'error_deleting'), 'deleting', 'a tenant wants it gone'),
    ('delete.force',      _SNAPSHOT_STATES,                   'deleting',  'an administrator wants it gone as it is'),
    ('delete.cascade',    ('available', 'error', 'error_deleting', 'deleting', 'restoring'), 'deleting',
     'it goes with its volume'),
    ('delete.fail',       'deleting',                         'error_deleting', 'the backend refuses for good',
     BY_ITS_KEEPER),
    ('clone',             'available',                        SAME,        'a volume is made of it', HELD_TOO),
    # --- revert: the volume's job holds it
    ('revert',            'available',                        'restoring', 'its volume gets its data back'),
    ('revert.end',        'restoring',                        'available', 'its volume has it, or could not get it',
     BY_ITS_KEEPER),
    ('unmanage',          ('available', 'error'),             SAME,        'an administrator takes it out'),
    ('transfer',          'available',                        SAME,        'it goes with its volume to another project',
     HELD_TOO),
    # --- what another service reports that works on it in our place
    ('report.creating',   'creating',                         SAME,        'it is still being taken'),
    ('report.available',  'creating',                         'available', 'it is taken'),
    ('report.error',      'creating',                         'error',     'it could not be taken'),
    ('report.deleting',   'deleting',                         SAME,        'it is still being removed'),
    ('report.error_deleting', 'deleting',                     'error_deleting', 'it could not be removed'),
])

_GROUP_STATES = ('error', 'available', 'creating', 'deleting', 'deleted', 'updating', 'in-use', 'error_deleting')

GROUP = Machine('group', initial='creating', settable=_GROUP_STATES, transitional=('creating', 'deleting'), rows=[
    # event               from                                to           why
    ('create.done',       'creating',                         'available', 'it has a place, and its volumes are there'),
    ('create.fail',       'creating',                         'error',     'it has no place, or not all its volumes'),
    ('update',            ('available', 'error', 'in-use'),   SAME,        'it is called or described differently'),
    ('members',           'available',                        SAME,        'volumes are put in or taken out'),
    ('snapshot',          'available',                        SAME,        'a snapshot of all its volumes is taken'),
    ('clone',             'available',                        SAME,        'another group is made of it'),
    ('delete',            ('available', 'error', 'error_deleting', 'in-use'), 'deleting', 'a tenant wants it gone'),
    ('delete.fail',       'deleting',                         'error_deleting', 'some of its volumes would not go'),
])

_GROUP_SNAPSHOT_STATES = ('error', 'available', 'creating', 'deleting', 'deleted', 'updating', 'error_deleting')

GROUP_SNAPSHOT = Machine(
    'group_snapshot', initial='creating', settable=_GROUP_SNAPSHOT_STATES, transitional=('creating', 'deleting'), rows=[
    # event               from                                to           why
    ('create.done',       ('creating', 'error'),              'available', 'the backend has all its snapshots'),
    ('create.fail',       'creating',                         'error',     'the backend could not take them all'),
    ('clone',             'available',                        SAME,        'a group is made of it'),
    ('delete',            ('available', 'error', 'error_deleting'), 'deleting', 'a tenant wants it gone'),
    ('delete.fail',       'deleting',                         'error_deleting', 'the backend refuses for good'),
])

#: Of an attachment. 'attaching' is not on the way to something: it stays until its server says that it is done.
ATTACHMENT = Machine('attachment', initial='reserved', transitional=('detaching',), rows=[
    # event               from                                to           why
    ('connect',           ('reserved', 'attaching', 'attached'), 'attaching', 'its host is known'),
    ('connect.done',      ('attaching', 'attached'),          SAME,        'its host can reach the volume'),
    ('connect.fail',      ('reserved', 'attaching', 'attached'), 'reserved', 'the backend could not connect it'),
    ('complete',          ('reserved', 'attaching', 'attached'), 'attached', 'its server has the volume'),
    ('detach',            ('reserved', 'attaching', 'attached'), 'detaching', 'its connection has to be taken back'),
])

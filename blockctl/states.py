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


@dataclasses.dataclass(frozen=True, slots=True)
class Move:
    """``event`` takes a row from one of ``sources`` to ``target`` (SAME: it stays)."""

    event: str
    sources: tuple[str, ...]
    target: str | None
    why: str
    held_too: bool = False


class Machine:
    """A resource's states. Raises ValueError at definition when two rows name one event."""

    def __init__(self, resource, initial, rows, transitional):
        self.resource = resource
        self.initial = initial
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
        return frozenset({self.initial} | {m.target for m in self.moves.values() if m.target is not SAME}
                         | {s for m in self.moves.values() for s in m.sources})


VOLUME = Machine('volume', initial='creating', transitional=('creating', 'deleting'), rows=[
    # event               from                                to           why
    ('create.done',       'creating',                         'available', 'its image is complete on the backend'),
    ('create.fail',       'creating',                         'error',     'no pool could take it; a message says why'),
    ('create.strand',     'creating',                         'error',     'its backend is gone since it began there'),
    ('delete',            ('available', 'error', 'error_restoring', 'error_extending', 'error_managing',
                           'error_deleting'),                 'deleting',  'a tenant wants it gone'),
    ('delete.force',      ('creating', 'available', 'error', 'error_restoring', 'error_extending', 'error_managing',
                           'error_deleting', 'deleting'),     'deleting',  'an administrator wants it gone as it is'),
    ('delete.fail',       'deleting',                         'error_deleting', 'the backend refuses for good'),
    ('snapshot',          ('available', 'in-use'),            SAME,        'a snapshot of it is taken', HELD_TOO),
    ('clone',             ('available', 'in-use'),            SAME,        'another volume is made of it', HELD_TOO),
])

SNAPSHOT = Machine('snapshot', initial='creating', transitional=('creating', 'deleting'), rows=[
    # event               from                                to           why
    ('create.done',       ('creating', 'error'),              'available', 'the backend has it'),
    ('create.fail',       'creating',                         'error',     'the backend could not take it'),
    ('delete',            ('available', 'error', 'error_deleting'), 'deleting', 'a tenant wants it gone'),
    ('delete.fail',       'deleting',                         'error_deleting', 'the backend refuses for good'),
    ('clone',             'available',                        SAME,        'a volume is made of it', HELD_TOO),
])

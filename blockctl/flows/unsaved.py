# SPDX-License-Identifier: Apache-2.0
"""A taskflow persistence backend that keeps nothing: what must outlive a process is in the jobs table.

taskflow's own default keeps a file system's worth of copies in memory for each flow; a third of a flow's CPU time.
"""

from taskflow.persistence import base


class Connection(base.Connection):
    """Gives every detail back as it came; the engine's own objects are the only copy."""

    def __init__(self, backend):
        self._backend = backend

    @property
    def backend(self):
        return self._backend

    def update_atom_details(self, atom_detail):
        return atom_detail

    def update_flow_details(self, flow_detail, ignore_missing=False):
        return flow_detail

    def save_logbook(self, book):
        return book

    def _nothing(self, *args, **kwargs):
        """There is nothing to close, upgrade, validate, destroy or find."""

    close = upgrade = clear_all = validate = destroy_logbook = _nothing
    get_logbook = get_flow_details = get_atom_details = _nothing

    def _none(self, *args, **kwargs):
        return iter(())

    get_logbooks = get_flows_for_book = get_atoms_for_flow = _none


class Backend(base.Backend):
    """One for all flows of a process; it has no state."""

    def __init__(self):
        super().__init__({})
        self._connection = Connection(self)

    def get_connection(self):
        return self._connection

    def close(self):
        """Nothing is open."""

# SPDX-License-Identifier: Apache-2.0
"""Projects that requests name. Whether one exists is Keystone's to know; here its id only has to be storable."""

from blockctl import exceptions


def check_id(field, project_id):
    """Raise InvalidField, naming ``field``, unless it can be the id of a project."""
    if not (project_id.isascii() and 0 < len(project_id) <= 64):
        raise exceptions.InvalidField(field=field, value=project_id[:80], reason='It is not the id of a project.')

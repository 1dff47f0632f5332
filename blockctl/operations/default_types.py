# SPDX-License-Identifier: Apache-2.0
"""What can be done with the default types of projects: those of volumes whose request names none.

A project that may not use its default type cannot make such volumes until one of the two is changed.
"""

from blockctl import exceptions
from blockctl.db import deadlocks
from blockctl.db import default_types
from blockctl.db import volume_choices
from blockctl.operations import projects


def find(ctx):
    """The rows of all projects that have one."""
    ctx.must('volume_extension:default_get_all')
    with ctx.reading():
        return default_types.rows(ctx)


def show(ctx, project_id):
    """The row of a project. Raises DefaultTypeNotFound."""
    ctx.must('volume_extension:default_get', {'project_id': project_id})
    projects.check_id('project_id', project_id)
    with ctx.reading():
        return default_types.get(ctx, project_id)


@deadlocks.retried
def update(ctx, project_id, name_or_id):
    """Give a project a default type, or another. Returns its row. Raises InvalidField when there is no such type."""
    ctx.must('volume_extension:default_set_or_update', {'project_id': project_id})
    projects.check_id('project_id', project_id)
    with ctx.writing():
        volume_type = volume_choices.volume_type(ctx, name_or_id)
        if volume_type is None:
            raise exceptions.InvalidField(field='volume_type', value=name_or_id,
                                          reason=f'Volume type {name_or_id[:80]} could not be found.')
        default_types.put(ctx, project_id, volume_type.id)
        return default_types.get(ctx, project_id)


def delete(ctx, project_id):
    """Let the configuration's default type hold for a project. That it held before is fine."""
    ctx.must('volume_extension:default_unset', {'project_id': project_id})
    projects.check_id('project_id', project_id)
    with ctx.writing():
        default_types.remove(ctx, project_id)

# SPDX-License-Identifier: Apache-2.0
"""What can be done with the list of projects that may use a private type.

Volumes that a project has of a type stay, and keep working, when it may not use that any more.
"""

from blockctl import exceptions
from blockctl.db import volume_type_access
from blockctl.flows import notifications
from blockctl.operations import projects
from blockctl.operations import volume_types


def find(ctx, volume_type_id):
    """The ids of the projects. Raises VolumeTypeNotFound, or NoAccessList for a public type."""
    ctx.must('volume_extension:volume_type_access:get_all_for_type')
    with ctx.reading():
        if volume_types.visible(ctx, volume_type_id).is_public:
            raise exceptions.NoAccessList()
        return volume_type_access.projects(ctx, volume_type_id)


def add(ctx, volume_type_id, project_id):
    """Let a project use a type. Raises VolumeTypeNotFound, VolumeTypeIsPublic, VolumeTypeAccessExists."""
    ctx.must('volume_extension:volume_type_access:addProjectAccess')
    projects.check_id('project', project_id)
    with ctx.writing():
        _private(ctx, volume_type_id)
        volume_type_access.add(ctx, volume_type_id, project_id)
    notifications.emit(ctx, 'volume_type_project.access.add', volume_type_id=volume_type_id, project_id=project_id)


def remove(ctx, volume_type_id, project_id):
    """Stop a project from using it. Raises VolumeTypeNotFound, VolumeTypeIsPublic, VolumeTypeAccessNotFound."""
    ctx.must('volume_extension:volume_type_access:removeProjectAccess')
    projects.check_id('project', project_id)
    with ctx.writing():
        _private(ctx, volume_type_id)
        volume_type_access.remove(ctx, volume_type_id, project_id)
    notifications.emit(ctx, 'volume_type_project.access.remove', volume_type_id=volume_type_id, project_id=project_id)


def _private(ctx, volume_type_id):
    if volume_types.visible(ctx, volume_type_id).is_public:
        raise exceptions.VolumeTypeIsPublic(volume_type_id=volume_type_id)

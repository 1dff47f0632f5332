# SPDX-License-Identifier: Apache-2.0
"""The quota of projects.

Inside, what is counted for a type is named by the type's id (``volumes_<id>``); outside, by its name.
"""

import dataclasses

from blockctl import exceptions
from blockctl.db import quotas
from blockctl.db import volume_types
from blockctl.operations import projects

#: Limits of types have none unless somebody sets one.
UNLIMITED = quotas.UNLIMITED


@dataclasses.dataclass(frozen=True, slots=True)
class Resource:
    """One line of a quota: ``limit`` -1 is unlimited."""

    limit: int
    in_use: int


def show(ctx, project_id):
    """{name as outside: Resource} of a project."""
    ctx.must('volume_extension:quotas:show', {'project_id': project_id})
    projects.check_id('project_id', project_id)
    with ctx.reading():
        return _with_usage(names(ctx), quotas.limits(ctx, project_id), quotas.usages(ctx, project_id))


def defaults(ctx, project_id):
    """{name as outside: limit} of a project that has none of its own."""
    ctx.must('volume_extension:quotas:show', {'project_id': project_id})
    projects.check_id('project_id', project_id)
    with ctx.reading():
        return limits_of(names(ctx), quotas.defaults(ctx))


def update(ctx, project_id, limits):
    """Set ``limits`` ({name as outside: limit}); a limit may be less than what is used. Returns all, as outside.

    Raises InvalidRequest for a name that nothing is counted by.
    """
    ctx.must('volume_extension:quotas:update', {'project_id': project_id})
    projects.check_id('project_id', project_id)
    with ctx.writing():
        counted = names(ctx)
        quotas.set_limits(ctx, project_id, inside(counted, limits, 'quota set'))
        return limits_of(counted, quotas.limits(ctx, project_id))


def delete(ctx, project_id):
    """Let the defaults hold for a project."""
    ctx.must('volume_extension:quotas:delete', {'project_id': project_id})
    projects.check_id('project_id', project_id)
    with ctx.writing():
        quotas.forget_limits(ctx, project_id)


def names(ctx):
    """{name as outside: name inside} of everything that is counted for types the caller may use."""
    counted = {name: name for name in quotas.NAMES}
    visible = () if ctx.is_admin else (volume_types.usable(ctx.project_id),)
    for volume_type_id, type_name in volume_types.names(ctx, *visible).items():
        counted |= {f'{resource}_{type_name}': f'{resource}_{volume_type_id}' for resource in volume_types.COUNTED}
    return counted


def inside(counted, limits, what):
    """``limits`` by names inside. ``counted``: what :func:`names` gives; ``what``: whose, for the refusal."""
    unknown = sorted(set(limits) - set(counted))
    if unknown:
        told = ', '.join(name[:80] for name in unknown[:10])
        raise exceptions.InvalidRequest(reason=f'Bad key(s) in {what}: {told}')
    return {counted[name]: limit for name, limit in limits.items()}


def limits_of(counted, limits):
    """All limits by names outside."""
    return {outside: limits.get(within, UNLIMITED) for outside, within in counted.items()}


def _with_usage(counted, limits, usages):
    return {outside: Resource(limits.get(within, UNLIMITED), usages.get(within, 0))
            for outside, within in counted.items()}

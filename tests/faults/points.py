# SPDX-License-Identifier: Apache-2.0
"""The fault points: those in the code, and what makes a process come to each."""

import ast
import pathlib
import re

import blockctl
from blockctl.flows import handlers

#: What brings a process to the point, and (volume service) what happens there:
#: create: a plain create;  undo: a create that its first pool refuses;  no pool: a create that fits nowhere;
#: delete: a plain delete;  fence: the takeover of a job whose worker died after its effect.
ACTS = {
    'volume.create.api.reserved': 'create',
    'volume.create.api.entered': 'create',
    'volume.create.api.before_commit': 'create',
    'volume.create.api.committed': 'create',
    'volume.create.api.cast': 'create',
    'volume.create.scheduler.claimed': 'create',
    'volume.create.scheduler.before_commit': 'create',
    'volume.create.scheduler.committed': 'create',
    'volume.create.scheduler.cast': 'create',
    'volume.create.scheduler.before_settle_commit': 'no pool',
    'volume.create.scheduler.settled': 'no pool',
    'volume.create.volume.claimed': 'create',
    'volume.create.volume.fenced': 'fence',
    'volume.create.volume.before_effect': 'create',
    'volume.create.volume.effected': 'create',
    'volume.create.volume.before_commit': 'create',
    'volume.create.volume.committed': 'create',
    'volume.create.volume.before_undo_commit': 'undo',
    'volume.create.volume.undo_committed': 'undo',
    'volume.create.volume.undone': 'undo',
    'volume.create.volume.before_settle_commit': 'undo',
    'volume.create.volume.settled': 'undo',
    'volume.delete.api.before_commit': 'delete',
    'volume.delete.api.committed': 'delete',
    'volume.delete.volume.claimed': 'delete',
    'volume.delete.volume.fenced': 'fence',
    'volume.delete.volume.before_effect': 'delete',
    'volume.delete.volume.effected': 'delete',
    'volume.delete.volume.before_commit': 'delete',
    'volume.delete.volume.committed': 'delete',
}

#: Points that the code names by a pattern and no process can come to.
IMPOSSIBLE = {
    'volume.create.scheduler.fenced': 'a scheduler has no effect on a backend, so it fences nobody',
}

#: Points before the commit that makes a request binding: what dies there leaves nothing.
NOTHING_YET = {
    'volume.create.api.reserved', 'volume.create.api.entered', 'volume.create.api.before_commit',
    'volume.delete.api.before_commit',
}


def where(point):
    """The kind of process that comes to a point: api, scheduler or volume."""
    return point.split('.')[2]


def in_code():
    """Names of all points in the package; a part known at run time only is replaced by all it can be."""
    found = set()
    for path in pathlib.Path(blockctl.__file__).parent.rglob('*.py'):
        tree = ast.parse(path.read_text())
        constants = {node.targets[0].id: node.value.value for node in tree.body
                     if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
                     and isinstance(node.value, ast.Constant)}
        for node in ast.walk(tree):
            if _is_point(node):
                found |= _expand(_pattern(node.args[0], constants))
    return found


def _is_point(node):
    return (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
            and node.func.attr in ('point', 'points') and node.args)


def _pattern(argument, constants):
    if isinstance(argument, ast.Constant):
        return argument.value
    if isinstance(argument, ast.JoinedStr):
        return ''.join(_part(part, constants) for part in argument.values)
    return ''  # handed on by Work.point


def _part(part, constants):
    if isinstance(part, ast.Constant):
        return part.value
    text = ast.unparse(part.value)
    return constants.get(text, f'<{text}>')


def _expand(pattern):
    """Names that a pattern such as '<job.kind>.<self._where>.claimed' stands for."""
    if not pattern:
        return set()
    if '<' not in pattern:
        return {pattern}
    kinds = [(kind, 'volume') for kind in handlers.BACKEND] + [('volume.create', 'scheduler')]
    matches = {f'{kind}.{place}.{pattern.rpartition(".")[2]}' for kind, place in kinds}
    shape = re.compile(r'(<[\w.]*kind>)\.(<[\w.]*where>)\.\w+')
    if not shape.fullmatch(pattern):
        raise AssertionError(f'what does the point {pattern} stand for? Teach points.py')
    return matches

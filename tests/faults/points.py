# SPDX-License-Identifier: Apache-2.0
"""The fault points: those in the code, and what makes a process come to each."""

import ast
import pathlib
import re

import blockctl
from blockctl.flows import change
from blockctl.flows import handlers

#: What brings a process to the point, and (volume service) what happens there:
#: create: a plain create;  undo: a create that its first pool refuses;  no pool: a create that fits nowhere;
#: delete: a plain delete;  extend: a plain extension;  fence: the takeover of a job whose worker died after its effect.
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
    'volume.delete.volume.image_gone': 'delete',
    'volume.delete.volume.effected': 'delete',
    'volume.delete.volume.before_commit': 'delete',
    'volume.delete.volume.committed': 'delete',
    'volume.extend.api.before_commit': 'extend',
    'volume.extend.api.committed': 'extend',
    'volume.extend.volume.claimed': 'extend',
    'volume.extend.volume.fenced': 'fence',
    'volume.extend.volume.before_effect': 'extend',
    'volume.extend.volume.effected': 'extend',
    'volume.extend.volume.before_commit': 'extend',
    'volume.extend.volume.committed': 'extend',
}

#: Points that the code names by a pattern and no process can come to, or no scene: why.
IMPOSSIBLE = {
    'volume.create.scheduler.fenced': 'a scheduler has no effect on a backend, so it fences nobody',
    **{f'volume.extended.volume.{point}': 'only where there is a compute service, which cannot run here'
       for point in ('claimed', 'fenced', 'effected')},
    **{f'volume.create.volume.{point}': 'only where there is a key manager: tests/unit/flows/test_volume_key.py'
       for point in ('before_key', 'key_made')},
    **{f'work.fence.volume.{point}': 'it writes nothing but its own end'  # tests/unit/flows/test_volume_extend.py
       for point in ('claimed', 'fenced')},
}

#: Points before the commit that makes a request binding: what dies there leaves nothing.
NOTHING_YET = {
    'volume.create.api.reserved', 'volume.create.api.entered', 'volume.create.api.before_commit',
    'volume.delete.api.before_commit', 'volume.extend.api.before_commit',
}


def where(point):
    """The kind of process that comes to a point: api, scheduler or volume."""
    # A move is settled where it fails: in the plays, where no pool offers the type.
    return point.split('.')[2].replace('settle', 'scheduler')


def in_code():
    """Names of all points in the package; a part known at run time only is replaced by all it can be."""
    found = set()
    for path in pathlib.Path(blockctl.__file__).parent.rglob('*.py'):
        tree = ast.parse(path.read_text())
        constants = dict(_constants(tree))
        for node in ast.walk(tree):
            if _is_point(node):
                found |= _expand(_pattern(node.args[0], constants))
    return found


def _constants(tree):
    """(name, value) of the module's texts: A = 'a', and A, B = 'a', 'b'."""
    for node in tree.body:
        if isinstance(node, ast.Assign):
            target, value = node.targets[0], node.value
            pairs = [(target, value)] if not isinstance(target, ast.Tuple) or not isinstance(value, ast.Tuple) \
                else zip(target.elts, value.elts, strict=True)
            yield from ((name.id, given.value) for name, given in pairs
                        if isinstance(name, ast.Name) and isinstance(given, ast.Constant))


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
    end = pattern.rpartition('.')[2]
    if pattern == f'<self.kind>.volume.{end}':  # flows/change.py
        return {f'{kind}.volume.{end}' for kind, handler in handlers.BACKEND.items()
                if isinstance(handler, change.Change)}
    if pattern == f'volume.retype.<where>.{end}':  # flows/volume_retype.py: done by the one or by the other
        return {f'volume.retype.{where}.{end}' for where in ('scheduler', 'volume')}
    shape = re.compile(r'(<[\w.]*kind>)\.(<[\w.]*where>)\.\w+')
    if not shape.fullmatch(pattern):
        raise AssertionError(f'what does the point {pattern} stand for? Teach points.py')
    return {f'{kind}.volume.{end}' for kind in handlers.BACKEND} | {
        f'{kind}.scheduler.{end}' for kind in handlers.scheduler(None)}


def kind(point):
    """The kind of job that a point is of: 'volume.create'."""
    return '.'.join(point.split('.')[:2])


def of(kinds):
    """The points in the code of these kinds of job, or that are named themselves; but the takeovers: see ACTS."""
    return {point for point in in_code() if {point, kind(point)} & set(kinds) and not point.endswith('.fenced')}

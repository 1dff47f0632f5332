# SPDX-License-Identifier: Apache-2.0
"""Chains of files: a volume's, and below it those of its snapshots, each of which holds what the one above does not.

    volume-<id>                            -> volume-<id>@snapshot-<later>  -> volume-<id>@snapshot-<earlier>

Each file but the last is qcow2 and names the next, and what that is; a chain that leads anywhere else is refused.
"""

import dataclasses
import json
import os

from blockctl import exceptions
from blockctl.drivers.nfs import qcow2


@dataclasses.dataclass(frozen=True, slots=True)
class Layer:
    """A file of a chain. ``size``: bytes, as a user sees it. ``backed``: it names a next one."""

    name: str
    format: str
    size: int
    backed: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """What is to be copied: a locator that is read as raw, its size in bytes, and the open files it speaks of."""

    locator: str
    size: int
    files: tuple[int, ...]


def read(files, volume, file_format):
    """The layers of a volume, its own first. ``files``: who can open_file() and is_same().

    Raises NotFoundOnBackend, or BackendError for a chain that is not to be followed.
    """
    layers, name = [], volume
    while True:
        if any(layer.name == name for layer in layers):
            raise exceptions.BackendError(reason=f'{volume} is based on itself')
        layer, backing, backing_format = _look(files, name, file_format)
        layers.append(layer)
        if backing is None:
            return tuple(layers)
        name, file_format = _own(files, volume, backing), backing_format


def _look(files, name, file_format):
    """(layer, name of the next as the file has it, what that is)"""
    with files.open_file(name) as descriptor:
        if file_format == 'raw':
            return Layer(name, 'raw', os.fstat(descriptor).st_size, backed=False), None, None
        header = qcow2.read(descriptor, name)
    return Layer(name, 'qcow2', header.size, header.backing is not None), header.backing, header.backing_format


def _own(files, volume, backing):
    """The name under the volume's of what a file is based on. While a volume gets another name, its files have both."""
    name = f'{volume}@{backing.partition("@")[2]}'
    if backing != name and ('/' in backing or not files.is_same(backing, name)):
        raise exceptions.BackendError(reason=f'{volume} is based on {backing!r}, which is no snapshot of it')
    return name


def locator(layers, path):
    """What qemu-img reads and writes as raw. ``path(name)``.

    It says each file and format of the chain, so that nothing is taken from what the files say.
    """
    if len(layers) == 1 and layers[0].format == 'raw':
        return path(layers[0].name)
    node = None
    for layer in reversed(layers):
        upper = {'driver': layer.format, 'file': {'driver': 'file', 'filename': path(layer.name)}}
        node = upper if layer.format == 'raw' else {**upper, 'backing': node}
    return 'json:' + json.dumps({'driver': 'raw', 'file': node})

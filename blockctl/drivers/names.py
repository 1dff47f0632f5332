# SPDX-License-Identifier: Apache-2.0
"""Names on a backend: which are fit for use, and which are blockctl's own.

A name comes from the operator's template and an id, or (manage) from an administrator's request; in both cases a
driver refuses what could mean something else to a file system, to librbd or to qemu.
"""

import re

from blockctl import exceptions

_LONGEST = 200  # leaves room for what drivers put after it, below the 255 of most file systems
_UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'
#: No '/', '@' (snapshots), ':' '=' '\\' (qemu's locators), no blanks, no control characters, no leading '.' or '-'.
_FIT = re.compile(r'[A-Za-z0-9_][A-Za-z0-9_.+-]*')
_TEMPORARY = re.compile(r'(.+)\.[0-9]+')


def check(name: str) -> str:
    """``name``, when it is fit to be the final name of something on a backend. Raises InvalidRequest."""
    if not _FIT.fullmatch(name) or len(name) > _LONGEST:
        raise exceptions.InvalidRequest(reason=f'{name[:_LONGEST]!r} is not a name a backend takes')
    if is_temporary(name):
        raise exceptions.InvalidRequest(reason=f'{name!r} looks like a temporary name')
    return name


def check_foreign(name: str) -> str:
    """As :func:`check`, for the name of something not made by blockctl, which may end like a temporary one."""
    found = _TEMPORARY.fullmatch(name)
    check_foreign(found[1]) if found else check(name)
    return name


def temporary(name: str, epoch: int) -> str:
    """What ``name`` is built under by the job's claim ``epoch``."""
    return f'{name}.{epoch}'


def is_temporary(name: str) -> bool:
    """Whether ``name`` is of the form :func:`temporary` gives."""
    return _TEMPORARY.fullmatch(name) is not None


def is_temporary_of(candidate: str, name: str) -> bool:
    """Whether ``candidate`` is what some epoch built, or was building, for ``name``."""
    found = _TEMPORARY.fullmatch(candidate)
    return found is not None and found[1] == name


class Template:
    """The operator's ``volume_name_template``, read backwards. Raises ConfigurationError when it can never serve."""

    def __init__(self, template: str):
        start, mark, end = template.partition('%s')
        if not mark or '%' in start + end:
            raise exceptions.ConfigurationError(
                reason=f'volume_name_template = {template!r}: it needs %s once, and no other %')
        try:
            check(f'{start}0{end}')
        except exceptions.InvalidRequest as error:
            raise exceptions.ConfigurationError(reason=f'volume_name_template = {template!r}: {error}') from error
        self._pattern = re.compile(
            rf'{re.escape(start)}{_UUID}{re.escape(end)}(@[^/.]+)?(\.[0-9]+)?')

    def gave(self, name: str) -> bool:
        """Whether the template can have given ``name``: to a volume, its snapshot (after an @), or one being built."""
        return self._pattern.fullmatch(name) is not None

# SPDX-License-Identifier: Apache-2.0
"""Compares a backend with the rows that name it. Reads only."""

import dataclasses

from blockctl.db import checks as db_checks

#: What a row in these states may or may not have on the backend: it is being made, removed, or never was.
_OPEN = frozenset({'creating', 'deleting', 'error', 'error_deleting'})


@dataclasses.dataclass(frozen=True, slots=True)
class Difference:
    """``what``: unknown (an image no row names), missing (a row without its image), size, partial (left half made)."""

    what: str
    pool: str
    name: str
    detail: str


def compare(ctx, section, driver):
    """Every difference between a started driver's backend and the database; empty when they agree.

    Rows are read before and after the look at the backend: what changed meanwhile is not reported.
    """
    with ctx.reading():
        before = db_checks.on_backend(ctx, section.host)
    found = list(driver.find())
    with ctx.reading():
        after = db_checks.on_backend(ctx, section.host)
    named = {(host, ctx.conf.volume_name_template % volume_id): (volume_id, status, size)
             for volume_id, (host, status, size) in {**before, **after}.items()}
    differences = []
    seen = set()
    for image in found:
        host = f'{section.host}#{image.pool}'
        seen.add((host, image.name))
        if image.partial:
            if not any(image.name.startswith(name) for pool, name in named if pool == host):
                differences.append(Difference('partial', host, image.name, 'half made, and no row is about it'))
            continue
        row = named.get((host, image.name))
        if row is None:
            differences.append(Difference('unknown', host, image.name, 'no row names it'))
        elif image.size is not None and row[2] != image.size:
            differences.append(Difference('size', host, image.name, f'{image.size} GiB, its row says {row[2]} GiB'))
    for (host, name), (volume_id, status, _size) in sorted(named.items()):
        stable = before.get(volume_id) == after.get(volume_id)
        if (host, name) not in seen and stable and status not in _OPEN:
            differences.append(Difference('missing', host, name, f'its row is {status}'))
    return differences

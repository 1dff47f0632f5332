# SPDX-License-Identifier: Apache-2.0
"""Compares a backend with the rows that name it. Reads only."""

import dataclasses

from blockctl.db import checks as db_checks
from blockctl.drivers import interface
from blockctl.flows import driver_values

#: What a row in these states may or may not have on the backend: it is being made, removed, or never was.
_OPEN = frozenset({'creating', 'deleting', 'error', 'error_deleting'})


@dataclasses.dataclass(frozen=True, slots=True)
class Difference:
    """``what``: unknown (an image or snapshot no row names), missing (a row without its own), size, partial (left half
    made).
    """

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
        snapshots_before = db_checks.snapshots_on_backend(ctx, section.host)
        in_hand = db_checks.in_hand(ctx, section.host)
    found = list(driver.find())
    # Where an image's snapshots are found beside it, they have an @ in their names.
    snapshots = {(image.pool, image.name) for image in found if '@' in image.name and not image.partial}
    if isinstance(driver, interface.Manages):
        snapshots |= {(each.pool, f'{each.volume}@{each.name}') for each in driver.manageable_snapshots()}
    with ctx.reading():
        after = db_checks.on_backend(ctx, section.host)
        snapshots_after = db_checks.snapshots_on_backend(ctx, section.host)
        in_hand |= db_checks.in_hand(ctx, section.host)
    images = [image for image in found if (image.pool, image.name) not in snapshots]
    differences = _images(ctx, section, images, before, after, in_hand)
    every_is_seen = isinstance(driver, interface.Manages)
    return differences + _snapshots(ctx, section, snapshots, snapshots_before, snapshots_after, every_is_seen)


def _images(ctx, section, found, before, after, in_hand):
    """``in_hand``: names of images that jobs make or remove, which are no volume's now."""
    named = {(host, ctx.conf.volume_name_template % volume_id): (volume_id, status, size)
             for volume_id, (host, status, size) in {**before, **after}.items()}
    differences = []
    seen = set()
    for image in found:
        host = f'{section.host}#{image.pool}'
        seen.add((host, image.name))
        if image.partial:
            if not any(image.name.startswith(name) for name in (
                    *in_hand, *(name for pool, name in named if pool == host))):
                differences.append(Difference('partial', host, image.name, 'half made, and no row is about it'))
            continue
        row = named.get((host, image.name))
        if row is None and image.name in in_hand:
            continue
        if row is None:
            differences.append(Difference('unknown', host, image.name, 'no row names it'))
        elif image.size is not None and row[2] != image.size:
            differences.append(Difference('size', host, image.name, f'{image.size} GiB, its row says {row[2]} GiB'))
    for (host, name), (volume_id, status, _size) in sorted(named.items()):
        stable = before.get(volume_id) == after.get(volume_id)
        if (host, name) not in seen and stable and status not in _OPEN:
            differences.append(Difference('missing', host, name, f'its row is {status}'))
    return differences


def _snapshots(ctx, section, found, before, after, every_is_seen):
    """``found``: {(pool, volume's name@its own)}; ``every_is_seen``: whether what is not among these is not there."""
    conf = ctx.conf
    named = {(host, f'{conf.volume_name_template % volume_id}@{conf.snapshot_name_template % snapshot_id}'):
             (snapshot_id, status) for snapshot_id, (host, status, volume_id) in {**before, **after}.items()}
    there = {(f'{section.host}#{pool}', name) for pool, name in found}
    differences = [
        Difference('unknown', host, name, 'no row names it') for host, name in sorted(there - named.keys())
        if _is_ours(conf, name)]
    for (host, name), (snapshot_id, status) in sorted(named.items()):
        stable = before.get(snapshot_id) == after.get(snapshot_id)
        if every_is_seen and (host, name) not in there and stable and status not in _OPEN:
            differences.append(Difference('missing', host, name, f'its row is {status}'))
    return differences


def _is_ours(conf, name):
    """Whether both parts of a snapshot's name come from our templates: operators may have taken others."""
    parts = zip((conf.volume_name_template, conf.snapshot_name_template), name.split('@', 1), strict=True)
    return all(driver_values.id_in(template, part) for template, part in parts)

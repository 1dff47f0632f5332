# SPDX-License-Identifier: Apache-2.0
"""QoS limits of an image: librbd reads them from the image's metadata, and clients that have it open learn of a change.

A clone gets its parent's metadata from librbd, these included.
"""

import contextlib

from blockctl.drivers.rbd import images

#: Name of the limit -> key of the image's metadata, which is "conf_" and an option of librbd.
KEYS = {f'{what}_{unit}_sec{suffix}': f'conf_rbd_qos_{kind}{short}_{end}'
        for what, kind in (('total', ''), ('read', 'read_'), ('write', 'write_'))
        for unit, short in (('iops', 'iops'), ('bytes', 'bps'))
        for suffix, end in (('', 'limit'), ('_max', 'burst'))}

_OURS = frozenset(KEYS.values())


def may_have(session, name):
    """Whether an image may have any: most have no metadata, and their header says so quicker than an open image."""
    return images.header_has(session, images.id_of(session, name), 'metadata_conf_rbd_qos_')


def keep(session, image, limits, effect):
    """Have an open image keep to ``limits`` ({name: number}) and to no others; other metadata stay."""
    wanted = {KEYS[name]: str(value) for name, value in limits.items()}
    there = {key: value for key, value in image.metadata_list() if key in _OURS}
    for key in sorted(there.keys() - wanted.keys()):
        images.check(session, effect)
        with contextlib.suppress(KeyError):  # librbd's word for what is not there
            image.metadata_remove(key)
    for key, value in sorted(wanted.items()):
        if there.get(key) != value:
            images.check(session, effect)
            image.metadata_set(key, value)

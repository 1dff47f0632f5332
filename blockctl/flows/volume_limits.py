# SPDX-License-Identifier: Apache-2.0
"""The limits of a type's QoS specs that the storage sees to: set when a volume comes there, or gets another type.

Storage whose driver cannot does without, as in the reference: scheduling by the capability ``qos_support`` avoids it.
"""

from blockctl.db import qos_specs
from blockctl.drivers import interface


def of_type(ctx, volume_type_id):
    """{name: number} of a type (None: of no type), see qos.for_storage."""
    with ctx.reading():
        return qos_specs.of_type(ctx, volume_type_id).for_storage()


def keep(work, volume, limits):
    """Have the job's backend keep a volume, as drivers see it, to ``limits`` and to no others."""
    if isinstance(work.driver, interface.Limits):
        work.driver.limit(volume, limits, work.effect())

# SPDX-License-Identifier: Apache-2.0
"""Which of the pools that passed comes first.

A weigher is an entry point of ``blockctl.scheduler.weighers``: a function ``make(conf)``, called once, that returns a
:class:`Weigher`. A pool's weight is the sum over all weighers of multiplier x weight, the weights of each weigher being
stretched so that the lowest of these pools is 0 and the highest 1 (all 0 when they are equal).
"""

import typing
from collections.abc import Callable


class Weigher(typing.NamedTuple):
    """``weigh(request, pools)``: a list of finite numbers, one for each pool. ``counts``: it reads ``Pool.volumes``."""

    multiplier: float
    weigh: Callable
    counts: bool = False

# SPDX-License-Identifier: Apache-2.0
"""Progress, for the user: on stderr, so that stdout holds only what a shell should evaluate."""

from __future__ import annotations

import sys
import time


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)

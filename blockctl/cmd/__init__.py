# SPDX-License-Identifier: Apache-2.0
"""Composition roots, one for each console script.

oslo.messaging depends on oslo.service, which still brings eventlet along; several oslo libraries import it when it is
there, and pay for it in memory and start time.  blockctl is threads only, so its processes say that it is not there,
before anything else is imported.
"""

import sys

sys.modules['eventlet'] = None

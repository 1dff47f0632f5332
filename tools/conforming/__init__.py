# SPDX-License-Identifier: Apache-2.0
"""The parts of ``tools/conformance``; ``cli`` is where to begin, ``cloud`` is what tests of clients run on too."""

# SPDX-License-Identifier: Apache-2.0
"""The parts of ``tools/compare``; ``cli`` is where to begin, ``scripts`` says what a request file holds."""

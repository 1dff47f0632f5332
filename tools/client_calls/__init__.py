# SPDX-License-Identifier: Apache-2.0
"""The parts of ``tools/clients``; ``cli`` is where to begin, ``tables`` says what tests/conformance/clients holds.

``worker``, ``callers`` and ``surface`` run in the clients' own environment and import nothing of blockctl.
"""

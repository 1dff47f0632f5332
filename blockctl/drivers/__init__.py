# SPDX-License-Identifier: Apache-2.0
"""Storage drivers. A driver knows exceptions and its configuration, nothing else of blockctl."""

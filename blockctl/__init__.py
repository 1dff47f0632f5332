# SPDX-License-Identifier: Apache-2.0
"""blockctl: a block-storage control plane."""

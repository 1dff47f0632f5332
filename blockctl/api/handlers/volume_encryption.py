# SPDX-License-Identifier: Apache-2.0
"""How a volume is encrypted. One value alone is text, not JSON, and empty for null, as in the reference."""

from blockctl.api.endpoint import endpoint
from blockctl.operations import volume_encryption


@endpoint()
def index(ctx, call, volume_id):
    return volume_encryption.show(ctx, volume_id)


@endpoint()
def show(ctx, call, volume_id, key):
    value = volume_encryption.show_one(ctx, volume_id, key)
    return '' if value is None else str(value)

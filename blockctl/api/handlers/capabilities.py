# SPDX-License-Identifier: Apache-2.0
"""What backends say they can do."""

from blockctl.api.endpoint import endpoint
from blockctl.api.views import capabilities as view
from blockctl.operations import capabilities


@endpoint()
def show(ctx, call, host):
    return view.shown(host, capabilities.show(ctx, host))

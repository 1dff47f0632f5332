# SPDX-License-Identifier: Apache-2.0
"""Hosts: services, by where they run."""

from blockctl.api.endpoint import endpoint
from blockctl.api.schemas import hosts as schema
from blockctl.api.versioned import Many
from blockctl.api.views import hosts as view
from blockctl.operations import hosts


@endpoint(view=view.SUMMARY)
def index(ctx, call):
    return Many(hosts.find(ctx, call.query.get('zone')))


@endpoint()
def show(ctx, call, host):
    return view.contents(host, hosts.show(ctx, host))


@endpoint(body=schema.UPDATE)
def update(ctx, call, host):
    disabled = call.body['status'] == 'disable'
    hosts.set_disabled(ctx, host, disabled)
    return {'host': host, 'status': 'disabled' if disabled else 'enabled'}

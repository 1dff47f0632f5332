# SPDX-License-Identifier: Apache-2.0
"""What is asked of a snapshot by POST .../action."""

from blockctl.api.endpoint import endpoint
from blockctl.api.schemas import snapshot_actions as schema
from blockctl.operations import snapshot_manage
from blockctl.operations import snapshot_status


@endpoint(body=schema.RESET_STATUS, code=202)
def reset_status(ctx, call, snapshot_id):
    snapshot_status.reset(ctx, snapshot_id, call.body['status'].lower())


@endpoint(body=schema.UPDATE_STATUS, code=202)
def update_status(ctx, call, snapshot_id):
    snapshot_status.report(ctx, snapshot_id, call.body['status'], call.body.get('progress'))


@endpoint(code=202)
def force_delete(ctx, call, snapshot_id):
    snapshot_status.force_delete(ctx, snapshot_id)


@endpoint(code=202)
def unmanage(ctx, call, snapshot_id):
    snapshot_manage.unmanage(ctx, snapshot_id)

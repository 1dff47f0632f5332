# SPDX-License-Identifier: Apache-2.0
"""Who may take a volume from a server: its compute service, and everybody once that says it does not use it any more.

A user who could detach a volume behind the compute service's back would leave a device on the host that later shows
another project's data (CVE-2023-2088).  A service says who it is by a second token, with a role of
``[keystone_authtoken] service_token_roles``.
"""

from blockctl import exceptions
from blockctl.db import attachments


def must_be_unused(ctx, volume_id, rows):
    """Raise UsedByServer unless the caller is a service, or no server uses the volume by these attachments.

    Several at once are refused without a look: which one is meant is not known.  Raises ComputeUnavailable when it
    cannot be found out.
    """
    if ctx.is_service or not rows:
        return
    if len(rows) > 1:
        raise exceptions.UsedByServer(server_id='')
    row, = rows
    if row.instance_id is None:
        return
    try:
        used = ctx.app.compute.uses(ctx, row.instance_id, volume_id, row.id)
    except exceptions.BackendUnavailable as error:
        raise exceptions.ComputeUnavailable(volume_id=volume_id) from error
    if used:
        raise exceptions.UsedByServer(server_id=row.instance_id)


def meant(ctx, volume_id, attachment_id):
    """The attachments that a request means which may name one; UsedByServer to a user who names none there is."""
    rows = attachments.of_volume(ctx, volume_id)
    if attachment_id is None:
        return rows
    named = [row for row in rows if row.id == attachment_id]
    if not named:
        # What it is instead, a service may know.
        raise (exceptions.AttachmentNotFound(attachment_id=attachment_id) if ctx.is_service
               else exceptions.UsedByServer(server_id=''))
    return named

# SPDX-License-Identifier: Apache-2.0
"""What can be done with hosts: services, by where they run."""

from blockctl import exceptions
from blockctl.db import backends
from blockctl.db import services
from blockctl.operations import services as service_operations


def find(ctx, zone=None):
    """Services as operations.services.find has them, of one zone or of all."""
    ctx.must('volume_extension:hosts')
    return [row for row in service_operations.all_with_state(ctx) if zone in (None, row.availability_zone)]


def show(ctx, host):
    """{project: db.backends.Content} of the backend of a host that is not disabled. Raises ServiceNotFound."""
    ctx.must('volume_extension:hosts')
    with ctx.reading():
        row = next((row for row in services.everything(ctx)
                    if (row.binary, row.host) == (backends.BINARY, host) and not row.disabled), None)
        if row is None:
            raise exceptions.ServiceNotFound(binary=backends.BINARY, host=host)
        return backends.contents(ctx, row.backend)


def set_disabled(ctx, host, disabled):
    """Have all services of a host take new work, or none. Raises HostDoesNotExist."""
    ctx.must('volume_extension:hosts')
    with ctx.writing():
        if not services.set_host_disabled(ctx, host, disabled):
            raise exceptions.HostDoesNotExist(host=host)

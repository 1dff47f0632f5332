# SPDX-License-Identifier: Apache-2.0
"""Which handler works on which kind of job, on a backend."""

from blockctl.flows import volume_create
from blockctl.flows import volume_delete

BACKEND = {
    volume_create.KIND: volume_create.Create(),
    volume_delete.KIND: volume_delete.Delete(),
}

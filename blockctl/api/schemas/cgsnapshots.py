# SPDX-License-Identifier: Apache-2.0
"""Requests about snapshots of consistency groups. Clients of old sent more than is asked for here: it is not heard."""

from blockctl.api import parameter_types as t
from blockctl.api.versioned import Body
from blockctl.api.versioned import Param

CREATE = Body(
    'cgsnapshot',
    Param('consistencygroup_id', t.text(255), required=True),
    Param('name', t.NAME),
    Param('description', t.DESCRIPTION))

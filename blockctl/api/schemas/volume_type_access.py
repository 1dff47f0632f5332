# SPDX-License-Identifier: Apache-2.0
"""Requests about who may use a private type."""

from blockctl.api import parameter_types as t
from blockctl.api.versioned import Body
from blockctl.api.versioned import Param

_PROJECT = Param('project', t.text(255, minimum=1), required=True)

ADD = Body('addProjectAccess', _PROJECT, closed_since='3.0')

REMOVE = Body('removeProjectAccess', _PROJECT, closed_since='3.0')

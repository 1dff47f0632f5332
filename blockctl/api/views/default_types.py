# SPDX-License-Identifier: Apache-2.0
"""How default types of projects are shown."""

from blockctl.api.versioned import Field
from blockctl.api.versioned import View

DETAIL = View('default_type', 'default_types', Field('project_id'), Field('volume_type_id'))

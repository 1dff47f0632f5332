# SPDX-License-Identifier: Apache-2.0
"""How older clients see groups."""

from blockctl.api.versioned import Field
from blockctl.api.versioned import View
from blockctl.api.versioned import time
from blockctl.api.views import groups

#: A consistency group in a list without details; also what making one answers.
BRIEF = View('consistencygroup', 'consistencygroups', Field('id'), Field('name'), links_key='consistencygroup_links')

DETAIL = View(
    'consistencygroup', 'consistencygroups',
    Field('id'),
    Field('status'),
    Field('availability_zone'),
    time('created_at'),
    Field('name'),
    Field('description'),
    Field('volume_types', groups.volume_types, of='id'),
    links_key='consistencygroup_links')

# SPDX-License-Identifier: Apache-2.0
"""Default policy: who may do what, one file per resource.

Names and check strings are those of the reference, so an operator's policy file carries over.  No rule has scope types
there, so none has here.  ``blockctl.policy`` enforces them; oslopolicy-sample-generator prints them.
"""

import importlib
import itertools

#: One module of this package for each resource; the order is that of the sample file.
MODULES = ('base_rules', 'volumes', 'volume_metadata', 'volume_types', 'volume_type_extra_specs', 'volume_type_access',
           'default_types', 'qos_specs',
           'volume_type_encryption',
           'snapshots', 'snapshot_metadata', 'snapshot_actions', 'snapshot_manage',
           'volume_actions', 'attachments', 'volume_manage', 'group_types', 'group_specs', 'groups',
           'group_snapshots', 'services', 'clusters', 'hosts', 'workers', 'capabilities', 'pools',
           'limits', 'messages', 'quotas', 'quota_classes', 'transfers', 'backups')


def list_rules():
    """Every rule; the entry point that oslo.policy's tools ask."""
    modules = (importlib.import_module(f'{__name__}.{name}') for name in MODULES)
    return list(itertools.chain.from_iterable(module.list_rules() for module in modules))

# SPDX-License-Identifier: Apache-2.0
"""How the capabilities of a backend are shown."""

#: What a backend reports -> (the property's name, title and description), when it says anything of it.
_PROPERTIES = {
    'thin_provisioning_support': ('thin_provisioning', 'Thin Provisioning', 'Sets thin provisioning.'),
    'compression': ('compression', 'Compression', 'Enables compression.'),
    'QoS_support': ('qos', 'QoS', 'Enables QoS.'),
    'replication_enabled': ('replication_enabled', 'Replication', 'Enables replication.'),
}


def shown(host, report):
    """``report``: as volume/reports.py stores it. What is None here, no driver of ours has to tell."""
    return {
        'namespace': f'OS::Storage::Capabilities::{host}',
        **{name: report[name] for name in ('vendor_name', 'volume_backend_name', 'driver_version', 'storage_protocol')},
        'pool_name': None, 'display_name': None, 'description': None, 'visibility': None,
        'replication_targets': [],
        'properties': {name: {'title': title, 'description': description, 'type': 'boolean'}
                       for key, (name, title, description) in _PROPERTIES.items() if key in report},
    }

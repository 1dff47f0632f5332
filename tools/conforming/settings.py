# SPDX-License-Identifier: Apache-2.0
"""tempest.conf for a cloud.

It has to be true of the reference as well: a feature is off only where the reference has it off too.  What blockctl
lacks is not switched off here but named in tests/conformance/known-failures.txt.
"""


MULTIATTACH_TYPE = 'multiattach'
#: What backends say that they speak, and seconds for a volume to get where a test wants it, on a machine that has other
#: things to do, or one that is virtual.
PROTOCOL_AND_PATIENCE = {'rbd': ('ceph', 120), 'lvm': ('iSCSI', 900)}


def sections(cloud, images, directory):
    """{section: {option: value}}; ``images``: ids of two; ``directory``: for locks and logs."""
    protocol, patience = PROTOCOL_AND_PATIENCE[cloud.storage]
    return {
        'DEFAULT': {'log_file': 'tempest.log', 'log_dir': directory},
        'oslo_concurrency': {'lock_path': f'{directory}/lock'},
        'auth': {
            'use_dynamic_credentials': True, 'create_isolated_networks': False, 'tempest_roles': 'member',
            'admin_username': 'admin', 'admin_project_name': 'admin', 'admin_domain_name': 'Default',
            'admin_password': cloud.password},
        'identity': {'uri_v3': cloud.auth_url, 'region': cloud.region, 'v3_endpoint_type': 'public'},
        'enforce_scope': {'cinder': True, 'glance': True, 'keystone': True},
        # Without a network service tempest skips whole classes of volume tests, most of which use none.
        'service_available': {'cinder': True, 'glance': True, 'nova': False, 'neutron': True, 'swift': False},
        'compute': {'image_ref': images[0], 'image_ref_alt': images[1]},
        'compute-feature-enabled': {'volume_multiattach': True},
        'image': {'disk_formats': 'raw,qcow2'},
        'volume': {
            'catalog_type': 'block-storage', 'endpoint_type': 'public',
            'backend_names': ','.join(cloud.installation.backends),
            'storage_protocol': protocol, 'vendor_name': 'Open Source', 'backup_driver': 'ceph',
            'volume_type_multiattach': MULTIATTACH_TYPE,
            'manage_volume_ref': 'source-name,volume-%s', 'manage_snapshot_ref': 'source-name,snapshot-%s',
            'disk_format': 'raw,qcow2', 'min_microversion': '3.0', 'max_microversion': 'latest',
            'build_timeout': patience},
        'volume-feature-enabled': {
            'multi_backend': True, 'backup': True, 'snapshot': True, 'clone': True, 'manage_volume': True,
            'manage_snapshot': True, 'extend_volume_with_snapshot': True, 'extend_attached_volume': True,
            'extend_attached_encrypted_volume': True, 'enable_volume_image_dep_tests': True, 'api_extensions': 'all'},
    }


def text(groups):
    """The file of such sections."""
    return '\n'.join(f'[{name}]\n' + ''.join(f'{option} = {value}\n' for option, value in options.items())
                     for name, options in groups.items())

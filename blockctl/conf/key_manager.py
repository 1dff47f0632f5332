# SPDX-License-Identifier: Apache-2.0
"""[key_manager]: who keeps the keys of encrypted volumes. What else is there are castellan's own options."""

from oslo_config import cfg

#: The one key there is with fixed_key.
FIXED_KEY_ID = '00000000-0000-0000-0000-000000000000'

OPTIONS = (
    cfg.StrOpt('fixed_key', secret=True,
               help='The key of all encrypted volumes, in hexadecimal digits, with backend = '
                    'blockctl.keys.fixed.FixedKeyManager (or cinder.keymgr.conf_key_mgr.ConfKeyManager, which means '
                    'the same). Whoever reads this file reads all volumes: for tests only.'),
    cfg.IntOpt('call_timeout', default=30, min=1,
               help='Seconds after which a request to the key manager counts as not answered.'),
)

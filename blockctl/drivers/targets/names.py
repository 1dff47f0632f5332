# SPDX-License-Identifier: Apache-2.0
"""What hosts call themselves. These names reach command lines, configfs and files: only what is plainly one passes."""

import re

from blockctl import exceptions

#: RFC 3720, section 3.2.6, and 3722: iqn., eui. and naa. names, of ASCII; and NVM Express's, section 4.5.
_INITIATOR = re.compile(r'iqn\.\d{4}-\d{2}\.[A-Za-z0-9.-]+(:[A-Za-z0-9.:_-]+)?|eui\.[0-9A-Fa-f]{16}'
                        r'|naa\.([0-9A-Fa-f]{16}){1,2}', re.ASCII)
_NQN = re.compile(r'nqn\.\d{4}-\d{2}\.[A-Za-z0-9.-]+(:[A-Za-z0-9.:_+@=-]+)?', re.ASCII)
_LONGEST = 223


def initiator(connector):
    """The host's iSCSI name. Raises InvalidField."""
    return _checked('connector.initiator', connector.initiator, _INITIATOR, 'It is no iSCSI name.')


def nqn(connector):
    """The host's NVMe name. Raises InvalidField."""
    return _checked('connector.nqn', connector.nqn, _NQN, 'It is no NVMe qualified name.')


def _checked(field, name, pattern, reason):
    name = name or ''
    if len(name) > _LONGEST or not pattern.fullmatch(name):
        raise exceptions.InvalidField(field=field, value=repr(name[:_LONGEST]), reason=reason)
    return name

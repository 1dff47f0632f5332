# SPDX-License-Identifier: Apache-2.0
"""Where targets are served."""

import dataclasses
import ipaddress

from blockctl import exceptions


@dataclasses.dataclass(frozen=True, slots=True)
class Portal:
    """``host``: an IP address; as text, what hosts and programs take: an IPv6 address in brackets."""

    host: str
    port: int

    def __str__(self):
        return f'[{self.host}]:{self.port}' if ':' in self.host else f'{self.host}:{self.port}'


def of(conf):
    """Those that a backend's section names, the first one first. Raises ConfigurationError."""
    found = [Portal(_checked(address), conf.target_port)
             for address in (conf.target_ip_address, *conf.target_secondary_ip_addresses)]
    return list(dict.fromkeys(found))


def _checked(address):
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        raise exceptions.ConfigurationError(reason=f'target_ip_address: {address!r} is no IP address') from None

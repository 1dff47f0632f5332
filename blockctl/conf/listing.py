# SPDX-License-Identifier: Apache-2.0
"""Every option, for oslo.config's generator: what etc/blockctl/blockctl.conf.sample is made of."""

import importlib.metadata
import itertools

from oslo_config import cfg
from stevedore import extension

from blockctl import conf
from blockctl.conf import backend

#: Whose options an operator sets, as oslo.config's generator knows them: ours first, then the libraries'.
NAMESPACES = ('blockctl', 'oslo.messaging', 'keystonemiddleware.auth_token', 'castellan.config', 'oslo.policy',
              'oslo.log')

#: Drivers that are for tests only.
UNLISTED = {'fake'}


def options():
    """[(group, options)]; each driver's as an example of a backend's section."""
    sections = [(group, list(itertools.chain.from_iterable(each for name, each in conf.GROUPS if name == group)))
                for group in dict.fromkeys(group for group, _ in conf.GROUPS)]
    drivers = extension.ExtensionManager('blockctl.drivers.volume')
    return sections + [_backend(driver.name, driver.plugin) for driver in sorted(drivers, key=lambda d: d.name)
                       if driver.name not in UNLISTED]


def _backend(name, driver):
    group = cfg.OptGroup(f'backend_{name}', help=(
        f'An example of a backend of the driver {name}: name the section as you like, and list it in enabled_backends. '
        f'Set volume_driver = {name}.'))
    return group, [*backend.OPTIONS, *driver.options()]


def every_option():
    """[(group, options)] of ours and the libraries'."""
    return [section for name in NAMESPACES
            for entry in importlib.metadata.entry_points(group='oslo.config.opts', name=name)
            for section in entry.load()()]

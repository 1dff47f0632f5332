# SPDX-License-Identifier: Apache-2.0
"""What the installed clients can be asked: every command, and every method of the SDK."""

import importlib.metadata
import inspect

#: Commands of cinder that ask no service.
_LOCAL = frozenset(("bash-completion", "bash_completion", "help"))


def openstack():
    """Commands of the ``openstack`` command's plugin for this service."""
    found = importlib.metadata.entry_points(group="openstack.volume.v3")
    return sorted({entry.name.replace("_", " ") for entry in found})


def cinder():
    """Commands of ``cinder`` at the highest microversion."""
    from cinderclient import api_versions
    from cinderclient import client
    from cinderclient import shell
    made = shell.OpenStackCinderShell()
    made.extensions = client.discover_extensions("3")
    made.get_subcommand_parser(api_versions.APIVersion(api_versions.MAX_VERSION), do_help=False, input_args=[])
    return sorted(set(made.subcommands) - _LOCAL)


def sdk():
    """Methods of the SDK's proxy that are its own."""
    from openstack.block_storage.v3 import _proxy
    return sorted(name for name, value in vars(_proxy.Proxy).items()
                  if inspect.isfunction(value) and not name.startswith("_"))


SURFACES = {"openstack": openstack, "cinder": cinder, "sdk": sdk}

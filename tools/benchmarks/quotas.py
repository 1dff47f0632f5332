# SPDX-License-Identifier: Apache-2.0
"""Room for the run: the project's quota is lifted where that is allowed, and put back afterwards."""

LIFTED = ("volumes", "gigabytes", "snapshots")


class QuotaTooSmall(Exception):
    """The load does not fit and the quota cannot be lifted by this user."""


def lift(client, project_id, volumes):
    """Set the limits to unlimited; returns what ``restore`` needs, None when they were left as they are.

    QuotaTooSmall when that is refused and fewer than ``volumes`` more volumes of 1 GiB fit.
    """
    path = f"os-quota-sets/{project_id}"
    before = client.request("GET", path)
    if before.status == 200:
        reply = client.request("PUT", path, {"quota_set": dict.fromkeys(LIFTED, -1)})
        if reply.status == 200:
            return {name: before.body["quota_set"][name] for name in LIFTED}
    _require(client, volumes)
    return None


def restore(client, project_id, limits):
    if limits:
        client.need("PUT", f"os-quota-sets/{project_id}", {"quota_set": limits})


def _require(client, volumes):
    reply = client.request("GET", "limits")
    if reply.status != 200:
        return  # nothing to judge by: the first refused create will say it
    absolute = reply.body["limits"]["absolute"]
    for title, limit, used in (("volumes", "maxTotalVolumes", "totalVolumesUsed"),
                               ("gigabytes", "maxTotalVolumeGigabytes", "totalGigabytesUsed")):
        most, taken = absolute.get(limit, -1), absolute.get(used, 0)
        if 0 <= most < taken + volumes:
            raise QuotaTooSmall(
                f"the run needs {volumes} more {title}; the quota is {most}, {taken} are used, and this user "
                f"may not raise it: have an administrator do so "
                f"(openstack quota set --volumes -1 --gigabytes -1 PROJECT)")

# SPDX-License-Identifier: Apache-2.0
"""Asks a new or restarted cluster for what it must have; run by the Python that has Debian's bindings.

    ceph_setup.py CONF prepare OSD_UUID      the monitor's part, before the OSD exists
    ceph_setup.py CONF pools NAME=PGS ...    makes the pools once the OSD is up
    ceph_setup.py CONF wait NAME ...         waits until every pool answers

Who starts this bounds its time. One process with librados, instead of a dozen of the ceph command, saves
seconds.
"""

from __future__ import annotations

import json
import sys
import time

import rados
import rbd

POLL_SECONDS = 0.1


def main(conf: str, step: str, arguments: list[str]) -> None:
    options = {"client_mount_timeout": "30", "rados_mon_op_timeout": "30", "rados_osd_op_timeout": "5"}
    with rados.Rados(conffile=conf, conf=options) as cluster:
        {"prepare": prepare, "pools": make_pools, "wait": wait_for_pools}[step](cluster, arguments)


def prepare(cluster: rados.Rados, arguments: list[str]) -> None:
    """The OSD's id and place, before it exists; no pool for device health, which nobody asked for."""
    # forced, as the monitor does not know a module's options before it has seen a manager
    option = {"name": "mgr/devicehealth/enable_monitoring", "value": "false"}
    command(cluster, prefix="config set", who="mgr", force=True, **option)
    command(cluster, prefix="osd new", uuid=arguments[0])
    # clone v2: a snapshot with clones can go to the trash
    command(cluster, prefix="osd set-require-min-compat-client", version="mimic")
    command(cluster, prefix="osd crush add", id=0, weight=1.0, args=["host=local", "root=default"])


def make_pools(cluster: rados.Rados, arguments: list[str]) -> None:
    groups_of = dict(argument.split("=") for argument in arguments)
    until(lambda: command(cluster, prefix="osd stat")["num_up_osds"] == 1)
    for pool, groups in groups_of.items():
        command(cluster, prefix="osd pool create", pool=pool, pg_num=int(groups))
    for pool in groups_of:
        with cluster.open_ioctx(pool) as ioctx:
            until(lambda ioctx=ioctx: answers(ioctx))
            rbd.RBD().pool_init(ioctx, True)
    wait_for_manager(cluster)


def wait_for_pools(cluster: rados.Rados, arguments: list[str]) -> None:
    for pool in arguments:
        with cluster.open_ioctx(pool) as ioctx:
            until(lambda ioctx=ioctx: answers(ioctx))
    wait_for_manager(cluster)


def wait_for_manager(cluster: rados.Rados) -> None:
    """Until pool statistics are there: they come from the manager, and drivers report capacity by them."""
    until(lambda: command(cluster, prefix="mgr stat")["available"])
    until(lambda: command(cluster, prefix="df")["stats"]["total_bytes"] > 0)


def answers(ioctx: rados.Ioctx) -> bool:
    """True when the OSD serves the pool: that an object is not there is an answer too."""
    try:
        ioctx.stat("rbd_info")
    except rados.ObjectNotFound:
        return True
    except rados.TimedOut:
        return False
    return True


def command(cluster: rados.Rados, **arguments: object) -> dict:
    """The decoded answer of the monitor."""
    request = json.dumps({**arguments, "format": "json"})
    code, output, message = cluster.mon_command(request, b"", timeout=30)
    # without authentication a client can send before it has the monitor's map, which names the fsid
    while message == "wrong fsid":
        time.sleep(POLL_SECONDS)
        code, output, message = cluster.mon_command(request, b"", timeout=30)
    if code != 0:
        raise SystemExit(f"{arguments['prefix']}: error {code}: {message}")
    return json.loads(output) if output.strip() else {}


def until(condition) -> None:
    while not condition():
        time.sleep(POLL_SECONDS)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])

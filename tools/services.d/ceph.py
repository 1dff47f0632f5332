# SPDX-License-Identifier: Apache-2.0
"""A whole Ceph of one monitor, one OSD and one manager, without keys, its objects in memory.

The OSD (memstore) writes its objects to disk only when it is stopped in an orderly way. Killed, it has lost
them, and the monitor's maps speak of objects that are no more: then the cluster is made anew, with a new
fsid, on the same port.
"""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

import ports
from errors import DaemonEnded, ServiceError
from root import write
from said import say
from service import Service

# placement groups of each pool; the tests' backends have `volumes` and `volumes2`
POOLS = {"volumes": 32, "volumes2": 16, "backups": 16, "images": 16}
BYTES = 8 << 30
# Debian's bindings are for Debian's Python
PYTHON = "/usr/bin/python3"
SETUP = Path(__file__).with_name("ceph_setup.py")
START_SECONDS = 120

CONFIGURATION = """\
[global]
fsid = {fsid}
mon_host = v1:127.0.0.1:{port}
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
auth_allow_insecure_global_id_reclaim = false
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
osd_objectstore = memstore
memstore_device_bytes = {size}
# off, or memstore does not write its objects when stopped
osd_fast_shutdown = false
# off, or the OSD at times asks the monitor before it has its map, and ends on a wrong fsid
osd_class_update_on_start = false
osd_crush_update_on_start = false
mon_allow_pool_size_one = true
mon_allow_pool_delete = true
mon_warn_on_pool_no_redundancy = false
mon_warn_on_msgr2_not_enabled = false
mon_data_avail_warn = 5
mon_data_avail_crit = 1
mgr_initial_modules = iostat
rbd_default_features = 61
run_dir = {run}
pid_file =
[mon]
admin_socket = {run}/ceph-mon.asok
log_file = {log}/ceph-mon.log
mon_data = {data}/mon
# each change of a map waits for this long (default 1 s), and making the cluster is a dozen changes
paxos_propose_interval = 0.05
paxos_min_wait = 0.02
[osd]
admin_socket = {run}/ceph-osd.asok
log_file = {log}/ceph-osd.log
osd_data = {data}/osd
[mgr]
admin_socket = {run}/ceph-mgr.asok
log_file = {log}/ceph-mgr.log
mgr_data = {data}/mgr
[client]
admin_socket =
log_file =
"""


class Ceph(Service):
    name = "ceph"
    title = "Ceph"
    # qemu's tools read and write RBD images: how tests prove that data is there
    packages = (
        "ceph-mon",
        "ceph-osd",
        "ceph-mgr",
        "ceph-common",
        "python3-rados",
        "python3-rbd",
        "qemu-utils",
        "qemu-block-extra",
    )
    daemons = ("ceph-mon", "ceph-osd", "ceph-mgr")

    how_to_move = "the monitor's address is in the cluster's map; take another --root"

    def can_move(self) -> bool:
        return not self._made.exists() and super().can_move()

    def start(self) -> None:
        for daemon in self.daemons:
            self.processes.wake(daemon)
        if self.is_whole() and self._made.exists():
            return
        if self._made.exists() and (self._saved.exists() or self.processes.pid("ceph-osd") is not None):
            self._resume()
            return
        if self._made.exists():
            say("ceph: the OSD ended without saving its objects; making the cluster anew, its images are gone")
        self._make()

    def stop(self) -> None:
        self.processes.stop("ceph-mgr", 10)
        saved = self.processes.stop("ceph-osd", 60)
        if saved and any((self._data / "osd").glob("*collections*")):
            self._saved.touch()
        self.processes.stop("ceph-mon", 20)

    def exports(self) -> dict[str, str]:
        return {"BLOCKCTL_TEST_CEPH_CONF": str(self._configuration)}

    @property
    def _configuration(self) -> Path:
        return self.root.etc / "ceph.conf"

    @property
    def _data(self) -> Path:
        return self.root.data / "ceph"

    @property
    def _made(self) -> Path:
        """Says that the cluster was made to the end."""
        return self._data / "made"

    @property
    def _saved(self) -> Path:
        """Says that the OSD, which does not run, has its objects on disk."""
        return self._data / "saved"

    def _make(self) -> None:
        self.stop()
        if self._data.exists():
            shutil.rmtree(self._data)
        for daemon in self.daemons:
            (self._data / daemon.removeprefix("ceph-")).mkdir(parents=True)
        fsid, osd = str(uuid.uuid4()), str(uuid.uuid4())
        self._configure(fsid)
        monmap = self._data / "monmap"
        address = f"[v1:127.0.0.1:{self.port}]"
        self._tool("monmaptool", "--create", "--fsid", fsid, "--addv", "a", address, monmap)
        self._tool("ceph-mon", "-c", self._configuration, "--mkfs", "-i", "a", "--monmap", monmap)
        self._start_monitor()
        self._setup("prepare", osd)
        self._tool("ceph-osd", "-c", self._configuration, "-i", "0", "--mkfs", "--osd-uuid", osd)
        self._start_manager()
        self._start_osd_until_pools_are_there()
        self._made.touch()

    def _resume(self) -> None:
        self._start_monitor()
        self._saved.unlink(missing_ok=True)
        self._start_manager()
        self._start_osd()
        self._setup("wait", *POOLS)

    def _start_monitor(self) -> None:
        self.check_port("ceph-mon", self.port)
        self.processes.start("ceph-mon", ["ceph-mon", "-c", self._configuration, "-i", "a", "-f"])
        self.processes.wait(["ceph-mon"], lambda: ports.answers(self.port), 30, "the monitor did not listen")

    def _start_osd(self) -> None:
        self.processes.start("ceph-osd", ["ceph-osd", "-c", self._configuration, "-i", "0", "-f"])

    def _start_manager(self) -> None:
        self.processes.start("ceph-mgr", ["ceph-mgr", "-c", self._configuration, "-i", "x", "-f"])

    def _start_osd_until_pools_are_there(self) -> None:
        """A new OSD that ends has lost nothing yet, so it is simply started again."""
        for attempt in range(3):
            self._start_osd()
            try:
                self._setup("pools", *(f"{pool}={groups}" for pool, groups in POOLS.items()))
                return
            except DaemonEnded as error:
                if attempt == 2 or error.daemon != "ceph-osd":
                    raise

    def _setup(self, step: str, *arguments: str) -> None:
        watch = ["ceph-mon"] if step == "prepare" else list(self.daemons)
        argv = [PYTHON, SETUP, self._configuration, step, *arguments]
        self.processes.run("ceph", argv, seconds=START_SECONDS, watch=watch)

    def _tool(self, *argv: str | Path) -> None:
        if shutil.which(argv[0], path="/usr/sbin:/usr/bin:/sbin:/bin") is None:
            raise ServiceError(f"{argv[0]} is not on this machine: tools/services install ceph")
        self.processes.run("ceph", argv, seconds=60)

    def _configure(self, fsid: str) -> None:
        text = CONFIGURATION.format(
            fsid=fsid, port=self.port, size=BYTES, run=self.root.run, log=self.root.log, data=self._data
        )
        write(self._configuration, text)

# SPDX-License-Identifier: Apache-2.0
"""What a storage driver is: the values it is given, what it must do, what it may do, and what it may raise.

A driver is loaded by stevedore from the namespace ``blockctl.drivers.volume`` by the short name in ``volume_driver``.
It gets frozen values, never rows, and knows neither HTTP, SQL, RPC nor jobs.

Four rules hold for every method that touches the storage (tests/contract checks them on each driver):

1. *Same call twice is the same as once.*  ``create`` of what is already there, complete and of the same size,
   succeeds; ``delete`` of what is absent succeeds.  A call may be repeated by another process at any time.
2. *What takes several steps shows under its final name only when it is complete.*
3. *No call hangs for ever.*  Each is bounded by the backend's own time-outs; passing one raises
   :class:`~blockctl.exceptions.BackendTimeout`, which means "unknown", not "failed".
4. *Effects ask first.*  Inside whatever lock the driver takes, right before each effect, it calls ``effect.check()``,
   which raises :class:`~blockctl.exceptions.LeaseLost` when another process has taken the job over.

Errors a driver raises (all in :mod:`blockctl.exceptions`):

=====================  ==============================================  =======================================
error                  when                                            what blockctl does
=====================  ==============================================  =======================================
``BackendTimeout``     a bound passed; the outcome is unknown           tries again on the same backend, later
``BackendUnavailable`` no connection, or it was cut off (also by a      the same
                       fence)
``BackendBusy``        the thing is in use (a watcher, a lock)          the same, for a bounded time
``BackendFull``        no room                                          undoes, tries another pool
``BackendError``       anything else that failed for certain            undoes, tries another pool
``InvalidRequest``     no backend could do it (a bad source, say)       undoes, ends in error
=====================  ==============================================  =======================================
"""

import abc
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from blockctl.drivers import qemu


@dataclasses.dataclass(frozen=True, slots=True)
class Volume:
    """A volume as a driver sees it. ``size`` is GiB; ``pool`` the pool's name inside the backend."""

    id: str
    size: int
    pool: str
    name: str  # on the backend, e.g. volume-<id>; from the operator's template, never from a request
    provider_id: str | None = None
    provider_location: str | None = None
    encrypted: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot as a driver sees it. ``size`` is the GiB its volume had when it was taken."""

    id: str
    name: str
    volume: Volume
    size: int
    provider_id: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Connector:
    """The host that wants to reach a volume, as os-brick describes it."""

    host: str
    ip: str | None = None
    initiator: str | None = None
    nqn: str | None = None
    multipath: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class PoolStats:
    """What one pool of a backend can hold. GiB, as numbers; None where the backend cannot say.

    ``foreign``: provisioned or used by what is not a volume of blockctl.  Nothing that belongs to blockctl's volumes
    is in it: those are summed from the rows (DESIGN.md section 5, claims).
    """

    name: str
    total: float | None
    free: float | None
    foreign: float = 0.0
    thin: bool = True
    thick: bool = False
    capabilities: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class BackendStats:
    """A backend's report: who made it, how it is reached, and its pools (one at least).

    Its capabilities, and its pools', may have ``filter_function`` and ``goodness_function``, for where the operator
    gives none.  ``total`` and ``free`` of a pool may be infinite.
    """

    vendor_name: str
    driver_version: str
    storage_protocol: str
    pools: Sequence[PoolStats]
    capabilities: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """What on the backend bears a name of blockctl's templates, for ``pool check``. ``size`` is GiB or None."""

    pool: str
    name: str
    size: float | None
    partial: bool = False  # built under a temporary name: leftovers of a job that will be, or was, undone


@dataclasses.dataclass(frozen=True, slots=True)
class Manageable:
    """An image, or a snapshot of one, that an administrator could bring in. ``size`` is GiB, rounded up.

    ``reason_not_safe``: why it should stay where it is; None: nothing speaks against it.  ``volume``: of a snapshot,
    the name of its image.  Which images are blockctl's already is not for the driver to know.
    """

    pool: str
    name: str
    size: int
    reason_not_safe: str | None = None
    extra_info: str | None = None
    volume: str | None = None


class Effect(Protocol):
    """What a job hands to a driver with each call (see jobs/lease.py)."""

    epoch: int
    #: What the driver's identity() said when the job was claimed. A driver whose client was made anew since raises
    #: BackendUnavailable: the job is put back and claimed again, for its successor could not fence the new client.
    identity: str

    def check(self) -> None:
        """Raise LeaseLost unless this worker may still act."""

    def progress(self, done: float) -> None:
        """Say that the call moves on: ``done`` from 0 to 1. Long calls do so at least every few seconds."""


class Driver(abc.ABC):
    """Required of every driver. One instance per process and backend; its methods are called from several threads."""

    #: One client for any number of machines (RBD), or only the machine that has the storage (LVM, files).
    any_machine: bool = False
    #: Several volumes behind one target, so that a host must not scan or log out while another is in use there.
    shared_targets: bool = False

    def __init__(self, conf, backend: str):
        """``conf``: the backend's own option group, options of :meth:`options` registered. Touches nothing yet."""
        self.conf = conf
        self.backend = backend

    @classmethod
    def options(cls) -> Sequence:
        """The oslo.config options this driver adds to its backend's section."""
        return ()

    # life
    @abc.abstractmethod
    def start(self) -> None:
        """Connect and check the set-up. Raises BackendUnavailable, or ConfigurationError when it can never work."""

    @abc.abstractmethod
    def stop(self) -> None:
        """Let go of connections. No call is under way any more."""

    @abc.abstractmethod
    def stats(self) -> BackendStats:
        """Look at the backend now."""

    # fence: what keeps a paused process from acting after another took its job over
    @abc.abstractmethod
    def identity(self) -> str:
        """What :meth:`fence` needs to cut this process off; stored with each job it claims. '' where locks serve."""

    @abc.abstractmethod
    def fence(self, identity: str) -> None:
        """Make sure that the process which recorded ``identity`` can have no effect on the backend from now on."""

    # volumes
    @abc.abstractmethod
    def create(self, volume: Volume, effect: Effect) -> Mapping[str, Any]:
        """Make an empty volume. Returns columns to store: provider_id, provider_location (or nothing)."""

    @abc.abstractmethod
    def delete(self, volume: Volume, effect: Effect) -> None:
        """Remove a volume and whatever a broken-off creation of it left behind."""

    @abc.abstractmethod
    def find(self) -> Sequence[Found]:
        """Everything on the backend that bears one of blockctl's names (read only), for ``pool check``."""


# Optional abilities.  A driver has one by inheriting its class; blockctl asks ``isinstance(driver, Clones)``.
class Encrypts(abc.ABC):
    """Can make volumes that begin with a header, by which hosts that have the key encrypt what follows (LUKS)."""

    @abc.abstractmethod
    def create_encrypted(self, volume: Volume, header: bytes, effect: Effect) -> Mapping[str, Any]:
        """As Driver.create, with the header at the volume's beginning; it is part of the volume's size.

        Another header of the same key may take the place of one that was written before: nobody has used it.
        """


class Limits(abc.ABC):
    """Can keep a volume to so many requests and bytes a second."""

    @abc.abstractmethod
    def limit(self, volume: Volume, limits: Mapping[str, int], effect: Effect) -> None:
        """Keep a volume to ``limits``, and to no others, also while it is in use.

        Names as in blockctl/qos.py: ``total_iops_sec``, ``read_bytes_sec``; with ``_max``, what it may reach for a
        moment.
        """


class Extends(abc.ABC):
    """Can make a volume larger."""

    @abc.abstractmethod
    def extend(self, volume: Volume, size: int, effect: Effect) -> None:
        """Grow to ``size`` GiB; already that large is success."""


class Snapshots(abc.ABC):
    """Can take snapshots and make volumes from them."""

    @abc.abstractmethod
    def create_snapshot(self, snapshot: Snapshot, effect: Effect) -> Mapping[str, Any]:
        """Take a snapshot. Returns columns to store."""

    @abc.abstractmethod
    def delete_snapshot(self, snapshot: Snapshot, effect: Effect) -> None:
        """Remove a snapshot."""

    @abc.abstractmethod
    def create_from_snapshot(self, volume: Volume, snapshot: Snapshot, effect: Effect) -> Mapping[str, Any]:
        """Make a volume with the snapshot's data, grown to ``volume.size``."""


class Clones(abc.ABC):
    """Can copy a volume of the same backend."""

    @abc.abstractmethod
    def clone(self, volume: Volume, source: Volume, effect: Effect) -> Mapping[str, Any]:
        """Make a volume with the source's data, grown to ``volume.size``."""


class GroupSnapshots(abc.ABC):
    """Can take snapshots of several volumes at one moment, while they are written to."""

    @abc.abstractmethod
    def create_group_snapshot(self, group_snapshot_id: str, snapshots: Sequence[Snapshot],
                              effect: Effect) -> Mapping[str, Mapping[str, Any]]:
        """Take all of them. They are deleted, and volumes made of them, like any others (Snapshots).

        Returns columns to store by the snapshot's id.  Done in part before: all are of one moment afterwards.
        """

    @abc.abstractmethod
    def delete_group_snapshot(self, group_snapshot_id: str, effect: Effect) -> None:
        """Clear away what is left when its snapshots are deleted. Absent is success."""


class Reverts(abc.ABC):
    """Can put a volume back to its latest snapshot in place."""

    @abc.abstractmethod
    def revert(self, volume: Volume, snapshot: Snapshot, effect: Effect) -> None:
        """Give the volume the snapshot's data."""


class Connects(abc.ABC):
    """Can tell a host how to reach a volume."""

    #: Whether connect() changes something on the backend, which disconnect() then takes back.
    exports: bool = True

    @abc.abstractmethod
    def connect(self, volume: Volume, connector: Connector, effect: Effect) -> Mapping[str, Any]:
        """Export. Returns os-brick's connection information: driver_volume_type and data."""

    @abc.abstractmethod
    def disconnect(self, volume: Volume, connector: Connector | None, effect: Effect) -> None:
        """Take the export for one host, or for all, back."""


class Renames(abc.ABC):
    """Can give an existing image a blockctl name (manage, migration) and take it away (unmanage)."""

    @abc.abstractmethod
    def rename(self, volume: Volume, old_name: str, effect: Effect) -> None:
        """Rename the image ``old_name`` to the volume's name."""

    @abc.abstractmethod
    def size_of(self, name: str, pool: str) -> int:
        """GiB, rounded up, of an image by its name. Raises NotFoundOnBackend."""


class Manages(abc.ABC):
    """Can say what an administrator could bring in, and give snapshots blockctl's names."""

    @abc.abstractmethod
    def manageable(self) -> Sequence[Manageable]:
        """Every image on the backend, also those with blockctl's names (read only)."""

    @abc.abstractmethod
    def manageable_snapshots(self) -> Sequence[Manageable]:
        """Every snapshot of every image (read only)."""

    @abc.abstractmethod
    def rename_snapshot(self, snapshot: Snapshot, old_name: str, effect: Effect) -> None:
        """Rename the snapshot ``old_name`` of the snapshot's volume. Raises NotFoundOnBackend."""


class Migrates(abc.ABC):
    """Can fetch a volume from another backend by itself (the same cluster, say). Asked of the destination's driver."""

    @abc.abstractmethod
    def can_copy_from(self, source_location: str | None) -> bool:
        """Whether it reaches the backend that reports this ``location_info``, and that is a place not its own."""

    @abc.abstractmethod
    def copy_from(self, volume: Volume, source_location: str, source: Volume, effect: Effect) -> Mapping[str, Any]:
        """Make ``volume`` with all data of ``source``, with progress. Returns columns to store."""


class Copies(abc.ABC):
    """Gives a path or URL that qemu-img reads and writes, for images, backups and generic migration."""

    @abc.abstractmethod
    def locator(self, volume: Volume) -> str:
        """A local path or a qemu protocol string."""

    def fill(self, volume: Volume, source: str, effect: Effect) -> None:
        """Write all data of another driver's locator into a volume as large; repeated, it writes all of it again."""
        qemu.copy(source, self.locator(volume), effect)



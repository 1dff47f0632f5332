# SPDX-License-Identifier: Apache-2.0
"""What a simulation begins with, made (fleets.py) or read (dumps.py). Amounts are GiB."""

import dataclasses
import typing


@dataclasses.dataclass(frozen=True, slots=True)
class PoolRecord:
    """A pool as the database has it. ``state``: True usable, False disabled, None down."""

    name: str  # host@backend#pool
    report: dict[str, typing.Any]
    claimed: int
    foreign: int
    bound: int | None
    claimed_at_report: int
    state: bool | None = True


class Volumes(typing.NamedTuple):
    """``count`` volumes that are alike."""

    pool: str
    type: str | None
    size: int
    count: int


class Wish(typing.NamedTuple):
    """What a request for a new volume asks for."""

    type: str | None
    zone: str | None
    size: int


@dataclasses.dataclass(frozen=True)
class Installation:
    """``types``: {id: extra specs}; ``wishes``: {Wish: how often it is asked for, in proportion}."""

    pools: list[PoolRecord]
    types: dict[str, dict[str, str]]
    volumes: list[Volumes]
    wishes: dict[Wish, float]

    def summary(self):
        """For people, and for the result's file."""
        thin = sum(1 for pool in self.pools if pool.report.get('thin_provisioning_support'))
        return {'pools': len(self.pools), 'thin': thin, 'thick': len(self.pools) - thin, 'types': len(self.types),
                'zones': len({pool.report.get('availability_zone') for pool in self.pools}),
                'volumes': sum(some.count for some in self.volumes),
                'promised_gb': sum(pool.claimed + pool.foreign for pool in self.pools)}

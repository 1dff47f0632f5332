# SPDX-License-Identifier: Apache-2.0
"""blockctl-manage pool: what is on the backends, and what the rows say is there."""

from blockctl.cmd import answers
from blockctl.db import checks as db_checks
from blockctl.db import pools as db_pools
from blockctl.db import services as db_services
from blockctl.db import volume_types
from blockctl.volume import checks as volume_checks
from blockctl.volume import service as volume_service

#: What tools/simulate reads; another number when something in it changes its meaning.
DUMP_FORMAT = 'blockctl-pools/1'

_STATES = {True: 'up', False: 'disabled', None: 'down'}


def dump(ctx, args):
    """Print pools, types and sizes of volumes as JSON, for tools/simulate.

    Of each pool its last report, what is claimed, foreign and bound (GiB), and whether its service is up, disabled or
    down; of each type its extra specs; and how many volumes of each type and size are on each pool. Nothing tells of
    tenants: private types have no names in it.
    """
    with ctx.reading():
        states = db_services.taking(ctx, ctx.conf.service_down_time)
        pools = [{'name': row.name, 'state': _STATES[states.get(row.backend)], 'claimed': row.claimed,
                  'claimed_at_report': row.claimed_at_report, 'foreign': row.foreign, 'bound': row.bound,
                  'report': row.report} for row in db_pools.everything(ctx)]
        types = [{'id': row.id, 'name': row.name if row.is_public else None, 'extra_specs': specs}
                 for row, specs in volume_types.everything(ctx)]
        volumes = [dict(row._mapping) for row in db_pools.volume_sizes(ctx)]
    return answers.Answer(('format', 'pools', 'types', 'volumes'), [(DUMP_FORMAT, pools, types, volumes)], single=True,
                          form='json')


def check(ctx, args):
    """Compare every backend of this configuration with the rows that name it; changes nothing."""
    found = []
    for name in ctx.conf.enabled_backends:
        driver, section = volume_service.load_driver(ctx.conf, name)
        driver.start()
        try:
            found += volume_checks.compare(ctx, section, driver)
        finally:
            driver.stop()
    with ctx.reading():
        drift = db_checks.claims(ctx)
    rows = [(d.what, d.pool, d.name, d.detail) for d in found]
    rows += [('claimed', pool, '', f'{recorded} GiB recorded, rows add up to {counted} GiB')
             for pool, recorded, counted in drift]
    return answers.check(('Difference', 'Pool', 'Name', 'Detail'), rows)

# SPDX-License-Identifier: Apache-2.0
"""CapabilitiesFilter: the pool reports what the type's extra specs ask for (blockctl/extra_specs.py)."""

from blockctl import extra_specs


def make(conf):
    def passes(spec, pool):
        return extra_specs.satisfied(pool.report, spec.get('extra_specs') or {})

    return passes

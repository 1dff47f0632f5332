# SPDX-License-Identifier: Apache-2.0
"""The parts of tools/simulate.

::

    fleets         makes an installation of a description and a seed
    dumps          reads one that `blockctl-manage pool dump` wrote
    installations  what both give: pools, types, volumes, and what is asked for
    truth          what the database and the disks would say: claims, reports, which backends are up
    views          what one scheduler knows of that
    play           requests, failures and reports in simulated time; the picking is blockctl's own
    figures        what is counted, and how full and how even the pools are
    plots          pictures of that
    cli            options, and what happens from the first to the last
"""

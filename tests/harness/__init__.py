# SPDX-License-Identifier: Apache-2.0
"""Runs real blockctl processes on real servers for tests/functional and tests/faults.

    servers     what there is to run on (BLOCKCTL_TEST_* of tools/services), and servers that a test may kill
    cloud       one installation: a fresh database, a bus, backends, and any number of processes
    processes   one process: start, SIGKILL, SIGSTOP, SIGCONT, SIGTERM, its log
    backends    where images are, looked at without blockctl
    rest        the few requests that tests make
    invariants  what must hold whenever nothing is under way (DESIGN.md section 4)
    polling     the only way to wait

    inprocess   the whole service in this process, its jobs done by hand: for tests/stateful and the races
"""

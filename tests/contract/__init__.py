# SPDX-License-Identifier: Apache-2.0
"""The contract of drivers (blockctl/drivers/interface.py), checked on each driver and its real backend.

``file`` and ``fake`` run anywhere.  ``rbd`` needs a Ceph cluster for tests only, for it is paused and filled:
name its configuration in BLOCKCTL_TEST_CEPH_CONF (``tools/services up ceph`` starts one).
"""

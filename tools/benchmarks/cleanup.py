# SPDX-License-Identifier: Apache-2.0
"""Taking away all that a run made, however it ended."""

import time

from benchmarks import http_api
from benchmarks import workload

PAUSE = 0.3
STUCK = 20.0  # seconds without any change, after which what is on its way is taken to stay there


def sweep(run, seconds=300.0):
    """Delete every attachment, snapshot and volume of the run and wait until they are gone.

    What was posted without an answer is found by its name. What stays on its way while nothing else moves
    either is reset to ``error`` first, which needs an administrator. Returns the paths of what is still there
    at the end.
    """
    for attachment_id in list(run.made["attachments"]):
        run.client.request("DELETE", f"attachments/{attachment_id}")
    left = []
    for kind in (workload.SNAPSHOT, workload.VOLUME):
        left += [f"{kind.path}/{resource_id}" for resource_id in _sweep_kind(run, kind, seconds)]
    return left


def _sweep_kind(run, kind, seconds):
    began = changed = time.monotonic()
    before = None
    while True:
        statuses, now = _ours(run, kind), time.monotonic()
        if not statuses or now - began > seconds:
            return sorted(statuses)
        if statuses != before:
            before, changed = statuses, now
        for resource_id, status in statuses.items():
            _push(run, kind, resource_id, status, stuck=now - changed > STUCK)
        time.sleep(PAUSE)


def _ours(run, kind):
    """id to status of what the run made and is still there."""
    if kind is not workload.VOLUME and not run.made[kind.path]:
        return {}
    return {item["id"]: item["status"] for item in run.client.items(f"{kind.path}/detail", kind.path)
            if item["id"] in run.made[kind.path] or (item["name"] or "").startswith(run.prefix)}


def _push(run, kind, resource_id, status, stuck):
    path = f"{kind.path}/{resource_id}"
    try:
        if status in (kind.making, kind.leaving):
            if not stuck:
                return
            run.client.request("POST", f"{path}/action", {"os-reset_status": {"status": "error"}})
        run.client.request("DELETE", path)
    except http_api.RequestFailed as error:
        run.failed(str(error))

# SPDX-License-Identifier: Apache-2.0
"""Waiting for the end of a job, for the requests whose answer is what it did (DESIGN.md section 5, calls that wait)."""

import time

from blockctl import exceptions
from blockctl.db import answers
from blockctl.db import jobs
from blockctl.rpc import transport

# A connection takes some 30 ms. The look is a read by primary key, and each costs as much as a step of the job.
FIRST = 0.02
LONGEST = 0.25


def outcome(ctx, job_id, answered=True):
    """(outcome, answer) of a job, after ``rpc_response_timeout`` seconds at most; outside any transaction.

    ``answered``: whether such a job may leave an answer; else there is no look for one.

    Raises StillUnderWay: the job goes on, and ends or undoes itself without us.
    """
    seconds = transport.response_timeout(ctx.conf)
    end = time.monotonic() + seconds
    pause = FIRST
    while True:
        with ctx.reading():
            ended = jobs.outcome(ctx, job_id)
        if ended is not None and not answered:
            return ended, None
        if ended is not None:
            with ctx.writing():
                return ended, answers.take(ctx, job_id)
        if time.monotonic() + pause > end:
            raise exceptions.StillUnderWay(job_id=job_id, seconds=seconds)
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST)

# SPDX-License-Identifier: Apache-2.0
"""blockctl-manage job: what is under way, and an operator's word about it."""

from blockctl.cmd.answers import Answer
from blockctl.cmd.manage import bell
from blockctl.db import jobs as db_jobs
from blockctl.operations import jobs


def show_live(ctx, args):
    """List live jobs, oldest first."""
    with ctx.reading():
        rows = db_jobs.live(ctx, args.limit)
    return Answer(
        ('Id', 'Kind', 'Resource', 'Topic', 'Direction', 'Owner', 'Lease until', 'Tries', 'Takeovers', 'Created'), [
            (row.id, row.kind, row.resource_id, row.topic, row.direction, row.owner, row.lease_until, row.tries,
             row.takeovers, row.created_at) for row in rows])


#: What is told of one job: (heading, column).
_FIELDS = (
    ('Id', 'id'), ('Kind', 'kind'), ('Resource', 'resource_id'), ('Topic', 'topic'), ('Outcome', 'outcome'),
    ('Direction', 'direction'), ('Step', 'step'), ('Progress', 'progress'), ('Owner', 'owner'), ('Epoch', 'epoch'),
    ('Lease until', 'lease_until'), ('Not before', 'not_before'), ('To fence', 'to_fence'), ('Tries', 'tries'),
    ('Failing since', 'failing_since'), ('Takeovers', 'takeovers'), ('Reschedules', 'reschedules'),
    ('Excluded', 'excluded'), ('Needs', 'needs'), ('Project', 'project_id'), ('User', 'user_id'),
    ('Request', 'request_id'), ('Global request', 'global_request_id'), ('Payload', 'payload'),
    ('Created', 'created_at'), ('Started', 'started_at'), ('Updated', 'updated_at'), ('Finished', 'finished_at'))


def show(ctx, args):
    """Show all there is to know of a job, live or finished."""
    return _one(jobs.show(ctx, args.job_id))


def retry(ctx, args):
    """Have a job that waits for its next try be tried now.

    It counts as one that has not failed yet, so it has the whole of [jobs] retry_timeout again. Refused for a job that
    has ended, that a process works on, or that waits for the lease of the work it takes the place of.
    """
    with bell.sending(ctx):
        return _one(jobs.retry(ctx, args.job_id))


def abandon(ctx, args):
    """End a live job, whoever works on it; its resource gets the state in which the job's failure would leave it.

    Its tenant gets a message. Quota and room that were taken for it are given back, as when the status is reset;
    whoever works on it is fenced off before anybody else works on the resource. What it had begun on the backend is
    removed when the resource is deleted.
    Refused for a job that only clears away or takes back what nobody else would.
    """
    return _one(jobs.abandon(ctx, args.job_id))


def _one(row):
    return Answer(tuple(heading for heading, _ in _FIELDS), [tuple(getattr(row, name) for _, name in _FIELDS)],
                  single=True)

# SPDX-License-Identifier: Apache-2.0
"""The jobs table: posting, claiming, leases, and the fence around every write a job makes (DESIGN.md section 5).

A job row is the truth about work that outlives a request.  Whoever holds it is named by ``owner`` (an incarnation of a
process) and ``epoch`` (raised by every claim); :func:`advance` is an UPDATE that matches both, so a worker that lost
its job to another cannot write any more: the transaction it is in rolls back with LeaseLost.
"""

import functools

import sqlalchemy as sa
from oslo_db import exception as db_exception
from oslo_utils import uuidutils

from blockctl import exceptions
from blockctl.db.columns import utcnow
from blockctl.db.tables import jobs

#: What this code understands. A job whose ``needs`` is higher was posted by a newer release and is left to it.
UNDERSTANDS = 1

DO, UNDO = 'do', 'undo'


# Statements of every job are built once: building one costs more than running it.
_POST = sa.insert(jobs).values(
    needs=UNDERSTANDS, epoch=0, direction=DO, tries=0, takeovers=0, reschedules=0, excluded=[], created_at=utcnow())
_OUTCOME = sa.select(jobs.c.outcome).where(jobs.c.id == sa.bindparam('job_id'))
_LIVE = sa.select(jobs.c.id).where(jobs.c.live_key == sa.bindparam('resource_id'))


def post(ctx, kind, resource_id, topic, payload, to_fence=(), not_before=None):
    """Post a job in the caller's transaction, which moves the resource to its transitional state. Returns its id.

    ``to_fence`` and ``not_before`` come from :func:`supersede`.  Raises ResourceBusy when the resource has a live job.
    """
    job_id = uuidutils.generate_uuid()
    try:
        ctx.conn.execute(_POST, {
            'id': job_id, 'kind': kind, 'resource_id': resource_id, 'live_key': resource_id, 'topic': topic,
            'payload': payload, 'to_fence': list(to_fence), 'not_before': not_before, 'request_id': ctx.request_id,
            'global_request_id': ctx.global_request_id, 'user_id': ctx.user_id, 'project_id': ctx.project_id,
            'roles': list(ctx.roles)})
    except db_exception.DBDuplicateEntry as error:
        raise exceptions.ResourceBusy(resource=kind.partition('.')[0], id=resource_id) from error
    return job_id


def get(ctx, job_id):
    """The row, live or finished, or None."""
    return ctx.conn.execute(sa.select(jobs).where(jobs.c.id == job_id)).first()


def outcome(ctx, job_id):
    """How a job ended ('done', 'failed', 'superseded'), or None while it lives. There has to be such a job."""
    return ctx.conn.execute(_OUTCOME, {'job_id': job_id}).scalar_one()


def last_of(ctx, kind, resource_id):
    """The last job of a kind that a resource had, live or not, or None when none is kept."""
    return ctx.conn.execute(sa.select(jobs).where(jobs.c.kind == kind, jobs.c.resource_id == resource_id).order_by(
        jobs.c.created_at.desc(), jobs.c.id).limit(1)).first()


def live_id(ctx, resource_id):
    """The id of a resource's live job, or None."""
    return ctx.conn.execute(_LIVE, {'resource_id': resource_id}).scalar()


def _free():
    return sa.or_(jobs.c.owner.is_(None), jobs.c.lease_until < utcnow())


def _due():
    return sa.and_(jobs.c.outcome.is_(None), jobs.c.needs <= UNDERSTANDS,
                   sa.or_(jobs.c.not_before.is_(None), jobs.c.not_before <= utcnow()), _free())


def due(ctx, topic, limit, running=()):
    """Ids of jobs of a topic that may be claimed now, oldest first, without those in ``running``."""
    statement = sa.select(jobs.c.id).where(jobs.c.topic == topic, _due())
    if running:
        statement = statement.where(jobs.c.id.not_in(running))
    return list(ctx.conn.execute(statement.order_by(jobs.c.created_at, jobs.c.id).limit(limit)).scalars())


# What a worker reads of a job: not what is of use to those only who look for one.
_SEEN = sa.select(*(column for column in jobs.c if column.name not in (
    'live_key', 'needs', 'progress', 'lease_until', 'not_before', 'created_at', 'updated_at', 'outcome', 'finished_at',
))).where(jobs.c.id == sa.bindparam('job_id'), jobs.c.topic.in_(sa.bindparam('topics', expanding=True)), _due())

_CLAIM = sa.update(jobs).where(
    jobs.c.id == sa.bindparam('job_id'), jobs.c.epoch == sa.bindparam('seen_epoch'), jobs.c.outcome.is_(None), _free(),
).values(owner=sa.bindparam('to_owner'), epoch=sa.bindparam('to_epoch'), lease_until=utcnow('lease'),
         identity=sa.bindparam('to_identity'), takeovers=sa.bindparam('to_takeovers'),
         to_fence=sa.bindparam('to_to_fence', type_=jobs.c.to_fence.type),
         started_at=sa.func.coalesce(jobs.c.started_at, utcnow()), updated_at=utcnow())


def claim(ctx, job_id, topics, owner, lease, identity):
    """Take a job for ``lease`` seconds, or return None when it is not (any more) to be had.

    A claim from an owner that did not give the job back is a takeover: it is counted, and what fences that owner off
    is put on ``to_fence``, where it stays until :func:`advance` says it is done.
    """
    seen = ctx.conn.execute(_SEEN, {'job_id': job_id, 'topics': topics}).first()
    if seen is None:
        return None
    values = {'owner': owner, 'epoch': seen.epoch + 1, 'identity': identity,
              'takeovers': seen.takeovers, 'to_fence': seen.to_fence}
    if seen.owner is not None:
        values['takeovers'] += 1
        if seen.identity and seen.identity not in seen.to_fence:
            values['to_fence'] = [*seen.to_fence, seen.identity]
    if ctx.conn.execute(_CLAIM, {'job_id': job_id, 'seen_epoch': seen.epoch, 'lease': float(lease)} | {
            f'to_{name}': value for name, value in values.items()}).rowcount != 1:
        return None
    return _Claimed(seen, values)


class _Claimed:
    """A job row as it is after a write of ours: saves reading back what was just written."""

    def __init__(self, row, values):
        self.__dict__.update(row.__dict__ if isinstance(row, _Claimed) else row._asdict())
        self.__dict__.update({k: v for k, v in values.items() if not isinstance(v, utcnow)})


def _is(job):
    """The fence: this job, in these hands (== None is IS NULL: a seized job has no owner)."""
    return sa.and_(jobs.c.id == job.id, jobs.c.owner == job.owner, jobs.c.epoch == job.epoch, jobs.c.outcome.is_(None))


def advance(ctx, job, **values):
    """Write to a job that this worker holds, or raise LeaseLost, which rolls the caller's transaction back.

    Every transaction of a job ends with this, so all its writes stand or fall with the lease.  (The locks are taken in
    the order usage, pools, resources, jobs; hence last, not first: doc/adr/0003.)
    """
    if any(isinstance(value, sa.ClauseElement) for value in values.values()):
        done = ctx.conn.execute(sa.update(jobs).where(_is(job)).values(updated_at=utcnow(), **values))
    else:
        done = ctx.conn.execute(_advancing(tuple(values)), {
            'job_id': job.id, 'by_owner': job.owner, 'in_epoch': job.epoch} | {
                f'to_{name}': value for name, value in values.items()})
    if done.rowcount != 1:
        raise exceptions.LeaseLost(job_id=job.id)
    return _Claimed(job, values)


@functools.lru_cache
def _advancing(names, **more):
    """A write to a job behind its fence; the new value of NAME is its parameter to_NAME. ``more``: values in SQL."""
    # (A seized job has no owner.)
    mine = (jobs.c.id == sa.bindparam('job_id'), jobs.c.epoch == sa.bindparam('in_epoch'), jobs.c.outcome.is_(None),
            jobs.c.owner.is_not_distinct_from(sa.bindparam('by_owner', type_=jobs.c.owner.type)))
    return sa.update(jobs).where(*mine).values(updated_at=utcnow(), **more, **{
        name: sa.bindparam(f'to_{name}', type_=jobs.c[name].type) for name in names})


def held(ctx, job):
    """Raise LeaseLost unless this worker holds the job; takes no lock (a look before work, not a guarantee)."""
    statement = sa.select(jobs.c.id).where(_is(job))
    if ctx.conn.execute(statement).first() is None:
        raise exceptions.LeaseLost(job_id=job.id)


_FREED = {'owner': None, 'lease_until': None, 'identity': None}


_FINISH = _advancing(('outcome',), **_FREED, live_key=None, step=None, finished_at=utcnow())


def finish(ctx, job, outcome):
    """End a job: its resource may have another from this commit on."""
    if ctx.conn.execute(_FINISH, {'job_id': job.id, 'by_owner': job.owner, 'in_epoch': job.epoch,
                                  'to_outcome': outcome}).rowcount != 1:
        raise exceptions.LeaseLost(job_id=job.id)


def put_back(ctx, job, delay, failed):
    """Give a job back, to be claimed again in ``delay`` seconds. ``failed``: because the backend was away."""
    values = {'not_before': utcnow(delay)} if delay else {'not_before': None}
    if failed:
        values.update(tries=job.tries + 1,
                      failing_since=sa.func.coalesce(jobs.c.failing_since, utcnow()))
    advance(ctx, job, **_FREED, **values)


def strand(ctx, job, payload=(), **values):
    """Give a job back that waits for its backend's return; it is looked at again now and then.

    ``payload``: on top of what it has.
    """
    advance(ctx, job, **_FREED, payload={**job.payload, 'stranded': True, **dict(payload)}, failing_since=None,
            takeovers=0, not_before=utcnow(ctx.conf.jobs.retry_interval_max), **values)


def hurry(ctx, resource_id):
    """The live job of a resource need not pause any longer. Returns its id, or None when there is none."""
    ctx.conn.execute(sa.update(jobs).where(jobs.c.live_key == resource_id, jobs.c.owner.is_(None)).values(
        not_before=None))
    return live_id(ctx, resource_id)


def retry(ctx, job_id):
    """A live job that waits for its next try need not wait, and counts as one that has not failed yet.

    Not one that waits for the end of another's lease: it was not claimed before.  Returns whether it is due now.
    """
    return ctx.conn.execute(sa.update(jobs).where(
        jobs.c.id == job_id, jobs.c.outcome.is_(None), jobs.c.started_at.is_not(None), _free(),
    ).values(not_before=None, tries=0, failing_since=None, updated_at=utcnow())).rowcount == 1


def hurry_all(ctx, topics, kind, resource_id, limit):
    """Jobs of ``topics`` that failed and wait for their next try need not wait: ``limit`` of them, at most.

    Returns their ids and topics.
    ``kind``: how their kinds begin; ``resource_id``: whose they are, None: anybody's.
    """
    waiting = sa.and_(jobs.c.topic.in_(topics), jobs.c.outcome.is_(None), jobs.c.owner.is_(None),
                      jobs.c.failing_since.is_not(None), jobs.c.kind.startswith(kind),
                      *(() if resource_id is None else (jobs.c.live_key == resource_id,)))
    rows = ctx.conn.execute(sa.select(jobs.c.id, jobs.c.topic).where(waiting).order_by(
        jobs.c.created_at, jobs.c.id).limit(limit)).all()
    if rows:
        ctx.conn.execute(sa.update(jobs).where(jobs.c.id.in_([row.id for row in rows]), jobs.c.owner.is_(None)).values(
            not_before=None))
    return rows


def topic_of(ctx, resource_id):
    """Who works on the live job of a resource; None: it has none."""
    return ctx.conn.execute(sa.select(jobs.c.topic).where(jobs.c.live_key == resource_id)).scalar()


def hand_over(ctx, job, topic, **values):
    """Give a job to another topic (scheduler to backend, or back), where it starts afresh."""
    advance(ctx, job, **_FREED, topic=topic, started_at=None, not_before=None, tries=0, failing_since=None, step=None,
            **values)


def renew(ctx, owner, held_jobs, lease):
    """Prolong leases by one statement. Returns the ids that are lost: whoever works on one must stop.

    ``held_jobs``: {job id: epoch}.  One that its worker ended or gave back meanwhile is not lost: same epoch.
    """
    mine = sa.and_(jobs.c.id.in_(list(held_jobs)), jobs.c.owner == owner, jobs.c.outcome.is_(None))
    ctx.conn.execute(sa.update(jobs).where(mine).values(lease_until=utcnow(lease)))
    rows = ctx.conn.execute(sa.select(jobs.c.id, jobs.c.epoch).where(jobs.c.id.in_(list(held_jobs))))
    epochs = {row.id: row.epoch for row in rows}
    return {job_id for job_id, epoch in held_jobs.items() if epochs.get(job_id) != epoch}


_LIVE_ROW = sa.select(*(jobs.c[name] for name in (
    'id', 'epoch', 'to_fence', 'identity', 'started_at', 'not_before', 'lease_until', 'payload',
))).where(jobs.c.live_key == sa.bindparam('resource_id')).with_for_update()


def supersede(ctx, resource_id):
    """End the live job of a resource, whoever holds it, because another decision replaces it.

    Returns (to_fence, not_before) for the next job of the resource: its worker may be about to act, and believes in its
    lease until that ends.  It is not renewed any more, so the next job waits for that moment and then fences.

    A job that would leave something behind says in its payload, under 'leaves', what job clears that away (``kind``,
    ``resource_id``, ``topic``, ``payload``): it is posted here.
    """
    row = ctx.conn.execute(_LIVE_ROW, {'resource_id': resource_id}).first()
    if row is None:
        return [], None
    ctx.conn.execute(sa.update(jobs).where(jobs.c.id == row.id).values(
        **_FREED, epoch=row.epoch + 1, live_key=None, outcome='superseded', finished_at=utcnow(),
        updated_at=utcnow()))
    to_fence = [*row.to_fence, *([row.identity] if row.identity else [])]
    # What was never claimed waits for no retry, but for the worker of the job it replaced itself.
    not_before = row.not_before if row.started_at is None else row.lease_until
    if row.payload.get('leaves'):
        post(ctx, **row.payload['leaves'], to_fence=to_fence, not_before=not_before)
    return to_fence, not_before


def supersede_all(ctx, resource_ids):
    """End the live jobs of several resources, because one job replaces them: (to_fence, not_before) for that one."""
    live = ctx.conn.execute(sa.select(jobs.c.live_key).where(jobs.c.live_key.in_(list(resource_ids)))).scalars()
    ended = [supersede(ctx, resource_id) for resource_id in sorted(live)]
    return (sorted({identity for to_fence, _ in ended for identity in to_fence}),
            max((moment for _, moment in ended if moment is not None), default=None))


def at_work(resource_id):
    """The condition that a resource has a live job; ``resource_id``: the column of the statement it is put into."""
    return sa.exists().where(jobs.c.live_key == resource_id)


def unserved(ctx, seconds, alive):
    """Live jobs whose topic is a backend outside ``alive`` and that nobody has touched for ``seconds``."""
    statement = sa.select(jobs).where(
        jobs.c.outcome.is_(None), jobs.c.topic != 'scheduler', jobs.c.topic.not_in(alive), _free(),
        sa.func.coalesce(jobs.c.updated_at, jobs.c.created_at) < utcnow(-seconds))
    return ctx.conn.execute(statement.order_by(jobs.c.created_at, jobs.c.id).limit(100)).all()


def purge(ctx, older_than, limit):
    """Remove up to ``limit`` jobs that ended more than ``older_than`` seconds ago. Returns how many went."""
    ids = list(ctx.conn.execute(
        sa.select(jobs.c.id).where(jobs.c.finished_at < utcnow(-older_than)).limit(limit)).scalars())
    if ids:
        ctx.conn.execute(sa.delete(jobs).where(jobs.c.id.in_(ids)))
    return len(ids)


def failing_for(ctx, job):
    """Seconds since the first of the present failures of a job."""
    now = ctx.conn.execute(sa.select(utcnow())).scalar_one()
    since = ctx.conn.execute(sa.select(jobs.c.failing_since).where(jobs.c.id == job.id)).scalar()
    return (now - since).total_seconds() if since else 0.0


def seize(ctx, row):
    """Make a job that nobody holds safe to write to, for a sweep: raises the epoch. None: somebody was faster."""
    values = {'epoch': row.epoch + 1, 'updated_at': utcnow(), **_FREED}
    if row.identity and row.identity not in row.to_fence:
        values['to_fence'] = [*row.to_fence, row.identity]
    statement = sa.update(jobs).where(
        jobs.c.id == row.id, jobs.c.epoch == row.epoch, jobs.c.outcome.is_(None), _free()).values(**values)
    if ctx.conn.execute(statement).rowcount != 1:
        return None
    return _Claimed(row, values)


def live(ctx, limit):
    """Jobs that have not ended, oldest first."""
    statement = sa.select(jobs).where(jobs.c.outcome.is_(None))
    return ctx.conn.execute(statement.order_by(jobs.c.created_at, jobs.c.id).limit(limit)).all()


def beyond(ctx):
    """(kind, count) of live jobs that a newer release posted, which this one leaves alone."""
    return ctx.conn.execute(sa.select(jobs.c.kind, sa.func.count().label('count')).where(
        jobs.c.outcome.is_(None), jobs.c.needs > UNDERSTANDS).group_by(jobs.c.kind).order_by(jobs.c.kind)).all()


def expire(ctx, owner):
    """End the leases of an owner that is known to be dead. Returns how many; each is a takeover when it is claimed."""
    return ctx.conn.execute(sa.update(jobs).where(
        jobs.c.owner == owner, jobs.c.outcome.is_(None), jobs.c.lease_until > utcnow(),
    ).values(lease_until=utcnow(-1))).rowcount

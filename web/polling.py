"""Long polls of workers: answered as soon as there is a job, else when the client's patience ends.

While one waits no transaction is open, nothing spins, and behind our own server no thread is held (`web.parking`).
Before jobs are locked the connection is looked at, so that none goes to a worker that has closed it; the few that
fall between are freed again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Hashable
from datetime import datetime, timedelta

from engine import sight
from engine.cluster.wakeup import jobs_topic
from engine.engine import Engine
from engine.work import jobs
from engine.work.activation import ActivatedJob
from web import parking
from web.connection import Connection
from web.parking import Place

GLANCE = 1.0
"""Seconds after which a waiting poll looks whether its client is still there."""
LOOK = 5.0
"""Seconds after which it looks into the database unasked: other processes commit too and cannot wake this one."""
SHORTEST_LOOK = 0.05
"""Seconds to let others finish who are just taking the job that was seen."""


def take(engine: Engine, types: Collection[str], patience: timedelta, connection: Connection, *,
         next_due: Callable[[], datetime | None], activate: Callable[[], list[ActivatedJob]],
         alike: Hashable = None) -> list[ActivatedJob]:
    """The jobs that `activate` locks, waiting for some if need be; none if the patience ends or the client has gone.

    Arguments:
        types: the job types whose news end the wait.
        next_due: tells, only reading, when there may be a job.
        alike: equal for polls of the same types that could take the same jobs.
    """
    place = parking.place()
    topics = [jobs_topic(type) for type in types]
    if place:
        # Who may take other jobs would go away from news that are for the next one.
        place.join(engine.wakeup, topics, ("jobs", frozenset(types), alike, sight.allowed()))
        return _parking(engine, place, patience, connection, next_due, activate)
    return _blocking(engine, topics, patience, connection, next_due, activate)


def _parking(engine: Engine, place: Place, patience: timedelta, connection: Connection,
             next_due: Callable[[], datetime | None],
             activate: Callable[[], list[ActivatedJob]]) -> list[ActivatedJob]:
    """Look once; raises Parked to be called again, Full."""
    deadline = time.monotonic() + patience.total_seconds() if place.deadline is None else place.deadline
    if connection.is_over:
        return []
    due = next_due()
    if due is not None and due <= engine.clock():
        taken = _take_now(engine, connection, activate)
        if taken:
            return taken
    now = time.monotonic()
    if now >= deadline or connection.is_over:
        return []
    raise place.wait(deadline, now + _until(due, engine))


def _blocking(engine: Engine, topics: Collection[str], patience: timedelta, connection: Connection,
              next_due: Callable[[], datetime | None],
              activate: Callable[[], list[ActivatedJob]]) -> list[ActivatedJob]:
    """Look until there is something, in the thread of the request."""
    deadline = time.monotonic() + patience.total_seconds()
    with engine.wakeup.listen(topics) as listener:
        while not connection.is_over:
            due = next_due()
            if due is not None and due <= engine.clock():
                taken = _take_now(engine, connection, activate)
                if taken:
                    return taken
            look = time.monotonic() + _until(due, engine)
            while True:
                left = min(deadline, look) - time.monotonic()
                if left <= 0 or listener.wait(min(left, GLANCE)) or connection.is_over:
                    break
            if time.monotonic() >= deadline:
                break
    return []


def _until(due: datetime | None, engine: Engine) -> float:
    """Seconds until there may be a job that nobody will tell of: one whose waiting time ends."""
    if due is None:
        return LOOK
    return min(max((due - engine.clock()).total_seconds(), SHORTEST_LOOK), LOOK)


def _take_now(engine: Engine, connection: Connection,
              activate: Callable[[], list[ActivatedJob]]) -> list[ActivatedJob]:
    taken = activate()
    if taken and connection.is_dead:
        # It closed the connection while its jobs were being locked.
        engine.execute(jobs.give_back, taken)
        return []
    return taken

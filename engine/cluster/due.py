"""What falls due by the clock, done directly: each check claims its rows and can run on every node at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import and_, bindparam, func, select

from engine import messages, schema, timers
from engine.cluster.partitions import Partitions
from engine.cluster.wakeup import jobs_topic
from engine.errors import Unavailable
from engine.states import JobState
from engine.work import deadlines, jobs

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.transaction import Transaction

logger = structlog.get_logger(__name__)

CHECKS: tuple[Callable[[Transaction], int], ...] = (
    jobs.release_expired, deadlines.give_up_untaken, deadlines.give_up_overdue, messages.expire,
)

_j = schema.jobs.c
NEXT = (
    select(func.min(_j.locked_until)).where(_j.state == JobState.ACTIVATED.value),
    select(func.min(schema.messages.c.expires_at)),
    deadlines.NEXT,
)
RETRIED = and_(_j.ended_at.is_(None), _j.error_message.is_not(None))
NEXT_RETRY = select(func.min(_j.due_at)).where(RETRIED, _j.due_at > bindparam("now"))
RETRIED_SINCE = select(_j.type).distinct().where(
    RETRIED, _j.due_at > bindparam("since"), _j.due_at <= bindparam("now")
)


def run_checks(engine: Engine) -> int:
    """Do what has fallen due beside timers; returns how much. One check that fails does not hold up the others."""
    total = 0
    for check in CHECKS:
        try:
            total += engine.execute(check)
        except Unavailable:
            raise
        except Exception:
            logger.exception("background check failed", check=check.__name__)
    return total


def fire_timers(engine: Engine, partitions: Partitions | None = None) -> int:
    """Fire timers that are due, at most a batch; returns how many."""
    try:
        return engine.execute(timers.trigger_due, partitions)
    except Unavailable:
        raise
    except Exception:
        logger.exception("firing timers together failed; firing them one by one")
    fired = 0
    for key, instance_key in timers.due(engine, partitions):
        try:
            fired += engine.execute(timers.trigger, key, instance_key)
        except Unavailable:
            raise
        except Exception:
            # One instance that cannot go on must not stop the timers of all others.
            logger.exception("firing a timer failed", timer_key=key, instance_key=instance_key)
            engine.execute(timers.postpone, key)
    return fired


def next_check(engine: Engine) -> datetime | None:
    """When something other than a timer or a retry falls due next; None if nothing is planned."""
    with engine.read() as connection:
        times = [connection.scalar(statement) for statement in NEXT]
    return min((time for time in times if time is not None), default=None)


def next_due(engine: Engine, partitions: Partitions | None = None) -> datetime | None:
    """When anything falls due next; None if nothing is planned. Timers: only those of `partitions`."""
    with engine.read() as connection:
        times = [connection.scalar(statement) for statement in NEXT]
        times.append(timers.next_due(connection, partitions))
        times.append(connection.scalar(NEXT_RETRY, {"now": engine.clock()}))
    return min((time for time in times if time is not None), default=None)


def wake_for_retries(engine: Engine, since: datetime) -> datetime:
    """Wake who waits for jobs whose pause before another try has ended since then; returns up to when."""
    now = engine.clock()
    with engine.read() as connection:
        types = connection.scalars(RETRIED_SINCE, {"since": since, "now": now}).all()
    if types:
        engine.wakeup.announce([jobs_topic(type) for type in types])
    return now

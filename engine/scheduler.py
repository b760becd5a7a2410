"""Background work: what falls due by the clock. Every node may run it at once; there is no leader."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import and_, bindparam, func, select

from engine import deadlines, execution, jobs, messages, schema, timers
from engine.errors import Unavailable
from engine.states import JobState
from engine.wakeup import jobs_topic

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.transaction import Transaction

logger = structlog.get_logger(__name__)

CHECKS: tuple[Callable[[Transaction], int], ...] = (
    jobs.release_expired, deadlines.give_up_untaken, deadlines.give_up_overdue, messages.expire,
)

LONGEST_WAIT = timedelta(seconds=5)
"""Other processes commit too and cannot wake this one, so it looks from time to time."""

AFTER_OUTAGE = timedelta(seconds=1)
"""When the database is away, it is tried again after this time."""

SHORTEST_WAIT = timedelta(milliseconds=20)
"""What is due but held by another node is looked at again after this time, not at once and for ever."""

_j = schema.jobs.c
NEXT_DUE = (
    select(func.min(schema.timers.c.due_at)).where(~schema.timers.c.suspended),
    select(func.min(_j.locked_until)).where(_j.state == JobState.ACTIVATED.value),
    select(func.min(schema.messages.c.expires_at)),
    deadlines.NEXT,
)
_RETRIED = and_(_j.ended_at.is_(None), _j.error_message.is_not(None))
NEXT_RETRY = select(func.min(_j.due_at)).where(_RETRIED, _j.due_at > bindparam("now"))
RETRIED_SINCE = select(_j.type).distinct().where(
    _RETRIED, _j.due_at > bindparam("since"), _j.due_at <= bindparam("now")
)


def run_once(engine: Engine) -> int:
    """Do what has fallen due; returns how much that was. One check that fails does not hold up the others."""
    total = _fire_timers(engine)
    for check in CHECKS:
        try:
            total += engine.execute(check)
        except Unavailable:
            raise
        except Exception:
            logger.exception("background check failed", check=check.__name__)
    return total


def _fire_timers(engine: Engine) -> int:
    try:
        return engine.execute(timers.trigger_due)
    except Unavailable:
        raise
    except Exception:
        logger.exception("firing timers together failed; firing them one by one")
    fired = 0
    for key, instance_key in timers.due(engine):
        try:
            fired += engine.execute(timers.trigger, key, instance_key)
        except Unavailable:
            raise
        except Exception:
            # One instance that cannot go on must not stop the timers of all others.
            logger.exception("firing a timer failed", timer_key=key, instance_key=instance_key)
            engine.execute(timers.postpone, key)
    return fired


def next_due(engine: Engine) -> datetime | None:
    """When something falls due next; None if nothing is planned."""
    with engine.read() as connection:
        times = [connection.scalar(statement) for statement in NEXT_DUE]
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


def left_behind(engine: Engine) -> list[int]:
    """Instances that were saved on the move and that no thread of this process takes on."""
    with engine.read() as connection:
        return [key for key in execution.unfinished(connection) if key not in engine.finishing]


class Scheduler:
    """A thread that does what falls due, woken by commits that bring the next due time nearer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._stopping = threading.Event()
        self._listener = engine.wakeup.listen_for_due()
        self._thread = threading.Thread(target=self._run, name="partitur-scheduler", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, after what it is doing now."""
        self._stopping.set()
        self._listener.wake()
        self._thread.join()

    def _run(self) -> None:
        looked = self._engine.clock()
        recovery = threading.Thread()
        with self._listener:
            while not self._stopping.is_set():
                # While it looks, whatever falls due may be overlooked, so that it must look again.
                self._listener.planned = None
                try:
                    busy = run_once(self._engine) >= timers.BATCH
                    looked = wake_for_retries(self._engine, looked)
                    if not recovery.is_alive():
                        recovery = self._recover()
                    wait = timedelta() if busy else self._wait()
                except Unavailable as error:
                    logger.warning("the scheduler waits for the database", reason=error.why)
                    wait = AFTER_OUTAGE
                except Exception:
                    logger.exception("scheduler failed")
                    wait = LONGEST_WAIT
                if wait > timedelta():
                    self._listener.planned = self._engine.clock() + wait
                    self._listener.wait(wait.total_seconds())

    def _recover(self) -> threading.Thread:
        """Take on what a process left on the move when it died; in a thread of its own, for it may take long."""
        keys = left_behind(self._engine)
        thread = threading.Thread(target=self._engine.finish, args=(keys,), name="partitur-recovery", daemon=True)
        if keys:
            thread.start()
        return thread

    def _wait(self) -> timedelta:
        due = next_due(self._engine)
        if due is None:
            return LONGEST_WAIT
        return min(max(due - self._engine.clock(), SHORTEST_WAIT), LONGEST_WAIT)



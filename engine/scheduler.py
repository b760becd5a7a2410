"""Background work: what falls due by the clock. Every node may run it at once; there is no leader."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import func, select

from engine import jobs, messages, schema, timers
from engine.states import JobState
from engine.wakeup import DUE

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.transaction import Transaction

logger = structlog.get_logger(__name__)

CHECKS: tuple[Callable[[Transaction], int], ...] = (jobs.release_expired, timers.trigger_due, messages.expire)

LONGEST_WAIT = timedelta(seconds=5)
"""Other processes commit too and cannot wake this one, so it looks from time to time."""

_j = schema.jobs.c
NEXT_DUE = (
    select(func.min(schema.timers.c.due_at)).where(~schema.timers.c.suspended),
    select(func.min(_j.locked_until)).where(_j.state == JobState.ACTIVATED.value),
    select(func.min(schema.messages.c.expires_at)),
)


def run_once(engine: Engine) -> int:
    """Do what has fallen due; returns how much that was. One check that fails does not hold up the others."""
    total = 0
    for check in CHECKS:
        try:
            count = engine.execute(check)
        except Exception:
            logger.exception("background check failed", check=check.__name__)
        else:
            total += count
    return total


def next_due(engine: Engine) -> datetime | None:
    """When something falls due next; None if nothing is planned."""
    with engine.read() as connection:
        times = [connection.scalar(statement) for statement in NEXT_DUE]
    return min((time for time in times if time is not None), default=None)


class Scheduler:
    """A thread that does what falls due, woken by commits that bring the next due time nearer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._stopping = threading.Event()
        self._listener = engine.wakeup.listen([DUE])
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
        with self._listener:
            while not self._stopping.is_set():
                try:
                    busy = run_once(self._engine) >= timers.BATCH
                    wait = timedelta() if busy else self._wait()
                except Exception:
                    logger.exception("scheduler failed")
                    wait = LONGEST_WAIT
                if wait > timedelta():
                    self._listener.wait(wait.total_seconds())

    def _wait(self) -> timedelta:
        due = next_due(self._engine)
        if due is None:
            return LONGEST_WAIT
        return min(max(due - self._engine.clock(), timedelta()), LONGEST_WAIT)



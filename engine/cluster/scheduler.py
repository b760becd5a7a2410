"""Background work: what falls due by the clock. Every node may run it at once; there is no leader.

Where the queue is live (PostgreSQL), it hands out what is due, and the scheduler only does the checks that have no
entries of their own, and sweeps. Else, or while the queue is away, the scheduler looks for everything itself.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from engine import execution, timers
from engine.cluster import due, sweeping
from engine.cluster.due import next_due as next_due
from engine.cluster.due import wake_for_retries as wake_for_retries
from engine.cluster.partitions import PARTITIONS, Partitions, of_group, whole_groups
from engine.cluster.queue import Entry
from engine.cluster.sweeping import Handling
from engine.errors import Unavailable

if TYPE_CHECKING:
    from engine.engine import Engine

logger = structlog.get_logger(__name__)

LONGEST_WAIT = timedelta(seconds=5)
"""Other processes commit too and may not be able to wake this one, so it looks from time to time."""

AFTER_OUTAGE = timedelta(seconds=1)
"""When the database is away, it is tried again after this time."""

SHORTEST_WAIT = timedelta(milliseconds=20)
"""What is due but held by another node is looked at again after this time, not at once and for ever."""

SWEEP = timedelta(seconds=20)
"""How often the tables are swept for what has no entry in the queue: a third of its horizon."""

LATE = timedelta(seconds=10)
"""A timer that is so late is fired directly: the queue should have handed it out long ago."""

STILL = timedelta(seconds=2)
"""An instance on the move that did not get on for so long has lost the process that moved it."""

NONE: Partitions = frozenset()


def run_once(engine: Engine) -> int:
    """Do what has fallen due; returns how much that was. One check that fails does not hold up the others."""
    return due.fire_timers(engine, engine.partitions) + due.run_checks(engine)


def left_behind(engine: Engine) -> list[int]:
    """Instances that were saved on the move and that no thread of this process takes on."""
    with engine.read() as connection:
        rows = execution.unfinished(connection, engine.partitions)
    return [row.key for row in rows if row.key not in engine.finishing]


class Scheduler:
    """A thread that does what falls due, woken by commits that bring the next due time nearer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._stopping = threading.Event()
        self._listener = engine.wakeup.listen_for_due()
        self._thread = threading.Thread(target=self._run, name="partitur-scheduler", daemon=True)
        self._handling = Handling(engine)
        self._looked = engine.clock()
        self._recovery = threading.Thread()
        self._progress: dict[int, tuple[int, datetime]] | None = None
        self._swept: datetime | None = None

    def handle(self, entry: Entry) -> timedelta | None:
        """Handle an entry of the queue."""
        return self._handling(entry)

    @property
    def groups(self) -> list[int]:
        """The groups of partitions whose entries this node may take from the queue."""
        return whole_groups(self._engine.partitions)

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
                # While it looks, whatever falls due may be overlooked, so that it must look again.
                self._listener.planned = None
                try:
                    wait = self._turn()
                except Unavailable as error:
                    logger.warning("the scheduler waits for the database", reason=error.why)
                    wait = AFTER_OUTAGE
                except Exception:
                    logger.exception("scheduler failed")
                    wait = LONGEST_WAIT
                if wait > timedelta():
                    self._listener.planned = self._engine.clock() + wait
                    self._listener.wait(wait.total_seconds())

    def _turn(self) -> timedelta:
        """Do what is due; returns how long to wait."""
        direct = self._direct()
        busy = False
        if direct != NONE:
            busy = due.fire_timers(self._engine, direct) >= timers.BATCH
            self._looked = due.wake_for_retries(self._engine, self._looked)
            if not self._recovery.is_alive():
                self._recovery = self._recover()
        busy = due.run_checks(self._engine) >= timers.BATCH or busy
        if direct is not None and self._engine.queue.is_live:
            self._sweep()
        else:
            self._swept = None
        return timedelta() if busy else self._wait(direct)

    def _direct(self) -> Partitions | None:
        """The partitions whose timers nobody hands out; None for all."""
        served = self._engine.partitions
        if not self._engine.queue.is_live:
            return served
        return frozenset(range(PARTITIONS) if served is None else served).difference(*map(of_group, self.groups))

    def _sweep(self) -> None:
        now = self._engine.clock()
        if self._listener.asked_to_sweep() or self._swept is None or now - self._swept >= SWEEP:
            self._engine.execute(sweeping.sweep)
            self._swept = now
        oldest = sweeping.oldest(self._engine)
        if oldest is not None and now - oldest > LATE:
            logger.warning("timers were not handed out; firing them directly", due_at=oldest.isoformat())
            due.fire_timers(self._engine, self._engine.partitions)

    def _recover(self) -> threading.Thread:
        """Take on what a process left on the move when it died; in a thread of its own, for it may take long."""
        keys = self._stuck()
        thread = threading.Thread(target=self._engine.finish, args=(keys,), name="partitur-recovery", daemon=True)
        if keys:
            thread.start()
        return thread

    def _stuck(self) -> list[int]:
        """Instances on the move that did not get on since this process looked before; at its first look, all."""
        now = self._engine.clock()
        with self._engine.read() as connection:
            rows = execution.unfinished(connection, self._engine.partitions)
        before, seen = self._progress, {row.key: (row.revision, now) for row in rows}
        for key, known in (before or {}).items():
            if key in seen and seen[key][0] == known[0]:
                seen[key] = known
        self._progress = seen
        return [key for key, (_, since) in seen.items()
                if key not in self._engine.finishing and (before is None or now - since >= STILL)]

    def _wait(self, direct: Partitions | None) -> timedelta:
        at = due.next_check(self._engine) if direct == NONE else due.next_due(self._engine, direct)
        if at is None:
            return LONGEST_WAIT
        return min(max(at - self._engine.clock(), SHORTEST_WAIT), LONGEST_WAIT)

"""The one clock of all nodes on a PostgreSQL: the database's, so that what falls due does so for all at once.

A node whose machine is an hour ahead would fire timers an hour early, and take jobs from workers that hold them; one
that is behind would hold jobs that everybody else takes for released. On SQLite all processes are on one machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from engine.clock import Clock, system_clock
from engine.database import Database

if TYPE_CHECKING:
    from engine.engine import Engine

NOTICED = timedelta(milliseconds=100)
"""Clocks that differ by less are taken for equal: it is what NTP and a busy machine leave between them."""
TRIES = 3
"""How often the database is asked; the quickest answer is the most exact."""

logger = structlog.get_logger(__name__)


class AgreedClock:
    """The machine's clock as far as it shows what the database's shows, else the database's.

    It is moved on by the machine's monotonic clock: whoever sets the machine's clock moves no timer. Arguments: the
    `database`; `machine` and `ticks` are its clocks. Raises `engine.errors.Unavailable` if the database is away.
    """

    def __init__(self, database: Database, machine: Clock = system_clock,
                 ticks: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._ticks = ticks
        self.machine = machine
        self._set_to = machine(), ticks()
        self.agree()

    def __call__(self) -> datetime:
        shown, at = self._set_to
        return shown + timedelta(seconds=self._ticks() - at)

    def agree(self) -> timedelta:
        """Look at the database's clock, and follow it where the difference is more than the way there explains; by how
        much this clock was set. Raises `engine.errors.Unavailable` if the database is away."""
        shown, at, unsure = min((self._look() for _ in range(TRIES)), key=lambda look: look[2])
        now = self._ticks()
        expected = shown + timedelta(seconds=now - at)
        apart = expected - self()
        if abs(apart) <= unsure + NOTICED:
            return timedelta()
        self._set_to = expected, now
        logger.warning("this node goes by the clock of the database, which shows another time",
                       seconds=round(apart.total_seconds(), 1))
        return apart

    def _look(self) -> tuple[datetime, float, timedelta]:
        """What the database's clock showed, when that was by our ticks, and by how much that may be wrong."""
        with self._database.read() as connection:
            before = self._ticks()
            shown, _ = self._database.clock(connection, self.machine())
            after = self._ticks()
        return shown, (before + after) / 2, timedelta(seconds=(after - before) / 2)


def join(engine: Engine) -> None:
    """Let an engine go by the clock of all nodes. Raises `engine.errors.Unavailable` if the database is away."""
    if not engine.database.is_sqlite:
        engine.clock = AgreedClock(engine.database)


def machine_time(clock: Clock) -> datetime:
    """What the machine's own clock shows: of an agreed one, the clock that it would otherwise go by."""
    return clock.machine() if isinstance(clock, AgreedClock) else clock()

"""Keeps a process that serves up to date about the targets of events, and about tenants."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import structlog

from engine import tenants
from engine.events.targets import CHANGED, REFRESH

if TYPE_CHECKING:
    from engine.engine import Engine

logger = structlog.get_logger(__name__)


class TargetWatch:
    """A thread that looks which targets there are, often enough that none misses an event (`targets.SETTLES`), and
    which tenants."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="partitur-event-targets", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stopping.set()
        self._engine.wakeup.announce([CHANGED])
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            with self._engine.wakeup.listen([CHANGED, tenants.CHANGED]) as listener:
                try:
                    self._engine.targets.refresh()
                    self._engine.tenants.refresh()
                except Exception as error:
                    # The database is away: then nothing happens that anybody could want an event of, or do for a tenant.
                    logger.warning("the targets of events and the tenants could not be read", error=str(error)[:500])
                listener.wait(REFRESH)

"""Counts what comes in, beside the transactions that take it: one row that all of them change would let each wait for
the one before."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import TYPE_CHECKING

import structlog

from engine.inbound import sources

if TYPE_CHECKING:
    from engine.engine import Engine

logger = structlog.get_logger(__name__)

WITHIN = 1.0
"""Seconds until what was counted is in the database."""


class Counter:
    """What one process received. Safe for threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._counted: dict[int, tuple[int, datetime]] = {}
        self._timer: threading.Timer | None = None

    def note(self, source_key: int, more: int = 1) -> None:
        """So many events came from a source."""
        with self._lock:
            before, _ = self._counted.get(source_key, (0, None))
            self._counted[source_key] = before + more, self._engine.clock()
            if self._timer is None:
                self._timer = threading.Timer(WITHIN, self.flush)
                self._timer.daemon = True
                self._timer.start()

    def flush(self) -> None:
        """Write it down now: when this returns, all that was noted before is in the database."""
        with self._writing:
            with self._lock:
                counted, self._counted = self._counted, {}
                if self._timer is not None:
                    self._timer.cancel()
                    self._timer = None
            if not counted:
                return
            try:
                self._engine.execute(sources.count, counted)
            except Exception as error:
                # A figure for people, and nothing else.
                logger.warning("what came in could not be counted", error=str(error)[:500])

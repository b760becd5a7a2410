"""Takes away what was kept long enough, in the background and without hurry."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from engine import requests, retention

if TYPE_CHECKING:
    from engine.engine import Engine

logger = structlog.get_logger(__name__)

EVERY = timedelta(minutes=1)
SHARE = 0.1
"""How much of its time it works at most, while there is much to do: everybody else comes first."""


def slice_once(engine: Engine, default: timedelta | None) -> int:
    """Delete one slice of old history; returns how many rows that was."""
    return engine.execute(retention.clean, default)


class Cleaner:
    """A thread that cleans from time to time. Any number of nodes may have one; each takes what no other has taken.

    `default`: how long ended instances are kept whose process says nothing; None: for ever.
    """

    def __init__(self, engine: Engine, default: timedelta | None = None) -> None:
        self._engine = engine
        self._default = default
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="partitur-cleaner", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the slice that is under way."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(EVERY.total_seconds()):
            try:
                self._engine.execute(requests.forget)
                self._clean()
            except Exception:
                logger.exception("cleaning failed; it is tried again later")

    def _clean(self) -> None:
        while not self._stopping.is_set():
            began = time.monotonic()
            if not slice_once(self._engine, self._default):
                return
            self._stopping.wait((time.monotonic() - began) * (1 / SHARE - 1))

"""Carries out operations in the background. Any number of nodes may do so at once; each takes what no other has."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from engine.errors import Unavailable
from engine.operations import carrying, plans

if TYPE_CHECKING:
    from engine.engine import Engine

EVERY = timedelta(seconds=2)
"""Other processes plan and apply operations, too, and may not be able to wake this one, so it looks from time to
time."""
BUSY = timedelta(milliseconds=500)
"""How long it waits while an operation is under way and nothing is to be done at once: answers of workers come."""

logger = structlog.get_logger(__name__)


class Operator:
    """A thread that carries out operations, woken by those that are planned or applied in this process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._stopping = threading.Event()
        self._listener = engine.wakeup.listen([plans.TOPIC])
        self._thread = threading.Thread(target=self._run, name="partitur-operator", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the items that are under way."""
        self._stopping.set()
        self._listener.wake()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        with self._listener:
            while not self._stopping.is_set():
                try:
                    wait = self._turn()
                except Unavailable as error:
                    logger.warning("operations wait for the database", reason=error.why)
                    wait = EVERY
                except Exception:
                    logger.exception("operations could not go on; they are tried again")
                    wait = EVERY
                if wait > timedelta():
                    self._listener.wait(wait.total_seconds())

    def _turn(self) -> timedelta:
        if carrying.work(self._engine):
            return timedelta()
        return BUSY if carrying.has_work(self._engine) else EVERY

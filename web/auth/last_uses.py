"""Notes when a user or a token came in last: with one write in some minutes, however many requests there are."""

from __future__ import annotations

import threading
import time

import structlog
from flask import current_app, request

from engine import sessions as store
from engine.engine import Engine
from engine.errors import Unavailable

logger = structlog.get_logger(__name__)

EVERY = 300.0
"""Seconds between two writes about the same name in one process."""


class LastUses:
    """What this process wrote down lately."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._noted: dict[str, float] = {}

    def note(self, name: str) -> None:
        """Somebody known has shown a password or a token."""
        now = time.monotonic()
        with self._lock:
            if now - self._noted.get(name, -EVERY) < EVERY:
                return
            self._noted[name] = now
        engine: Engine = current_app.extensions["engine"]
        try:
            engine.execute(store.used, name, request.remote_addr or "")
        except Unavailable:
            logger.warning("it is not noted that somebody came in: the database is away")

"""What is done in the background and without hurry: the audit trail is sealed, what was kept long enough is taken away,
what happened lately is learned from."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Concatenate, ParamSpec

import structlog

from engine import (
    chain,
    durations,
    guesses,
    half_log_ins,
    requests,
    retention,
    second_factors,
    sessions,
    strays,
)
from engine.cluster.part import Part
from engine.errors import Unavailable
from engine.inbound import receiving
from engine.reports import learning

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.transaction import Transaction

P = ParamSpec("P")

logger = structlog.get_logger(__name__)

EVERY = timedelta(minutes=1)
SEALING = timedelta(seconds=5)
"""How often new entries of the audit trail are sealed."""
SHARE = 0.1
"""How much of its time it works at most, while there is much to do: everybody else comes first."""
LEARNING_SHARE = 0.25
"""The same for summing up what ended: it keeps up with some hundred instances a second."""


class Cleaner(Part):
    """A thread that cleans from time to time. Any number of nodes may have one; each takes what no other has taken."""

    name = "partitur-cleaner"

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._seal_at = 0.0
        self._due = time.monotonic() + EVERY.total_seconds()

    def turn(self) -> float:
        """Wait a little, and clean when it is time."""
        if not self._pause(min(EVERY, SEALING).total_seconds()) and time.monotonic() >= self._due:
            # Summed up before it is cleaned: what is deleted can no longer be counted.
            for deed in (self._forget, self._sum_up, self._clean, self._learn):
                self._try(deed)
            self._due = time.monotonic() + EVERY.total_seconds()
        return 0

    def _try(self, deed: Callable[[], object]) -> None:
        """One that fails does not hold up the others. Raises Unavailable: then none of them can do anything."""
        try:
            deed()
        except Unavailable:
            raise
        except Exception:
            logger.exception("cleaning failed; it is tried again later", what=deed.__name__.strip("_"))

    def _forget(self) -> None:
        for forget, slice in ((requests.forget, requests.SLICE), (strays.forget, strays.SLICE),
                              (receiving.forget, receiving.SLICE)):
            while self._gently(forget) >= slice and not self.is_stopping:
                pass
        for of_few in (sessions.forget, guesses.forget, half_log_ins.forget, second_factors.forget):
            self.engine.execute(of_few)

    def _learn(self) -> None:
        durations.learn(self.engine)

    def _seal(self) -> None:
        chain.seal_all(self.engine)

    def _pause(self, seconds: float) -> bool:
        """Wait, and seal what is due, also while much is cleaned; whether this thread is to stop."""
        if self.pause(seconds):
            return True
        if time.monotonic() >= self._seal_at:
            self._try(self._seal)
            self._seal_at = time.monotonic() + SEALING.total_seconds()
        return False

    def _sum_up(self) -> None:
        # Not for ever, while there is much of it.
        until = time.monotonic() + EVERY.total_seconds()
        while not self.is_stopping and time.monotonic() < until:
            began = time.monotonic()
            if not learning.learn(self.engine):
                return
            self._pause((time.monotonic() - began) * (1 / LEARNING_SHARE - 1))

    def _clean(self) -> None:
        while not self.is_stopping and self._gently(retention.clean, self.engine.history):
            pass

    def _gently(self, clean: Callable[Concatenate[Transaction, P], int], *args: P.args, **kwargs: P.kwargs) -> int:
        """Clean a slice, and leave the rest of the time to everybody else; how much that was."""
        began = time.monotonic()
        found = self.engine.execute(clean, *args, **kwargs)
        if found:
            self._pause((time.monotonic() - began) * (1 / SHARE - 1))
        return found

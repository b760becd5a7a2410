"""How a service does, from the outcomes of its calls: counted in a sliding window, so that its breaker can open."""

from __future__ import annotations

from collections import deque

from engine.states import EffectState
from service_tasks.breaker import Breaker
from service_tasks.outcome import Completed, Failed, Outcome, Thrown
from service_tasks.retry import as_timedelta


class Health:
    """What one worker saw of a service lately."""

    def __init__(self, breaker: Breaker) -> None:
        self._breaker = breaker
        self._window = as_timedelta(breaker.window).total_seconds()
        self._seen: deque[tuple[float, bool]] = deque()
        self._failed = 0

    def note(self, now: float, outcome: Outcome) -> str | None:
        """Count an outcome; why the breaker must open, or None."""
        failed = is_failure(outcome)
        if failed is None:
            return None
        self._seen.append((now, failed))
        self._failed += failed
        while self._seen and self._seen[0][0] <= now - self._window:
            self._failed -= self._seen.popleft()[1]
        if not failed or len(self._seen) < self._breaker.least:
            return None
        if self._failed < self._breaker.rate * len(self._seen):
            return None
        reason = f"{self._failed} of the last {len(self._seen)} calls failed"
        self.forget()
        return f"{reason}, the last one so: {getattr(outcome, 'message', '')}"[:2000]

    def forget(self) -> None:
        """Begin anew."""
        self._seen.clear()
        self._failed = 0


def is_failure(outcome: Outcome) -> bool | None:
    """Whether the service failed; None if the outcome says nothing about it.

    A business error is an answer. Giving up for good is about this one call (a missing variable, for instance).
    """
    match outcome:
        case Completed() | Thrown():
            return False
        case Failed():
            return True if outcome.retries is None or outcome.effect is EffectState.IN_DOUBT else None
    return None

"""How many calls of a service may begin now: its concurrency, its rate, and few at first after it was held."""

from __future__ import annotations

from service_tasks.contract import Policy

STEP = 1.0
"""Seconds after which a service that was held may get twice as many calls at once."""
STEPS = 8
"""After so many steps it is in full use."""


class Allowance:
    """Counts the calls of one service in one worker (a token bucket that holds one second's worth)."""

    def __init__(self, policy: Policy) -> None:
        self._concurrency = policy.concurrency
        self._rate = policy.rate
        self._burst = max(1.0, policy.rate or 0.0)
        self._tokens = self._burst
        self._filled_at: float | None = None
        self._resumed_at: float | None = None
        self.running = 0

    def resume(self, now: float) -> None:
        """The service was held: begin with one call at once, and double that every second."""
        self._resumed_at = now

    @property
    def limited(self) -> bool:
        """Whether there is any limit."""
        return self._concurrency is not None or self._rate is not None or self._resumed_at is not None

    def available(self, now: float, room: int) -> int:
        """How many calls may begin at `now` (seconds of a clock that never goes back), `room` at most."""
        if self._concurrency is not None:
            room = min(room, self._concurrency - self.running)
        if self._rate is not None:
            if self._filled_at is not None:
                self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._rate)
            self._filled_at = now
            room = min(room, int(self._tokens))
        if self._resumed_at is not None:
            steps = int((now - self._resumed_at) / STEP)
            room = min(room, 2 ** steps - self.running)
            if steps >= STEPS:
                self._resumed_at = None
        return max(0, room)

    def begin(self) -> None:
        """A call begins."""
        self.running += 1
        if self._rate is not None:
            self._tokens -= 1

    def end(self) -> None:
        """A call ended."""
        self.running -= 1

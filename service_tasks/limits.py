"""How many calls of a service may begin now: its concurrency and its rate."""

from __future__ import annotations

from service_tasks.contract import Policy


class Allowance:
    """Counts the calls of one service in one worker (a token bucket that holds one second's worth)."""

    def __init__(self, policy: Policy) -> None:
        self._concurrency = policy.concurrency
        self._rate = policy.rate
        self._burst = max(1.0, policy.rate or 0.0)
        self._tokens = self._burst
        self._filled_at: float | None = None
        self.running = 0

    @property
    def limited(self) -> bool:
        """Whether there is any limit."""
        return self._concurrency is not None or self._rate is not None

    def available(self, now: float, room: int) -> int:
        """How many calls may begin at `now` (seconds of a clock that never goes back), `room` at most."""
        if self._concurrency is not None:
            room = min(room, self._concurrency - self.running)
        if self._rate is not None:
            if self._filled_at is not None:
                self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._rate)
            self._filled_at = now
            room = min(room, int(self._tokens))
        return max(0, room)

    def begin(self) -> None:
        """A call begins."""
        self.running += 1
        if self._rate is not None:
            self._tokens -= 1

    def end(self) -> None:
        """A call ended."""
        self.running -= 1

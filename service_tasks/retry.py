"""How often a failed call is tried again, and how long to wait before each try."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

Duration = timedelta | float
"""A length of time: a `timedelta`, or seconds."""

LONGEST_WAIT = timedelta(days=365)


def as_timedelta(value: Duration) -> timedelta:
    """`value` as a `timedelta`; a bare number counts seconds."""
    return value if isinstance(value, timedelta) else timedelta(seconds=value)


@dataclass(frozen=True, kw_only=True)
class Retry:
    """A retry policy.

    Arguments:
        attempts: how many calls are made before an operator is asked, the first one included.
        backoff: "exponential" doubles the wait after each failure, "fixed" keeps it.
        first: the wait after the first failure.
        cap: the longest wait between two attempts.
        jitter: the share of each wait that is left to chance, so that a service that comes back is not met by all
            its callers at once; 0.2 makes a wait of 10 s anything from 8 s to 12 s.
        total: after this much time since the job began no further attempt is made.

    Raises ValueError for a policy that makes no sense.
    """

    attempts: int = 3
    backoff: Literal["exponential", "fixed"] = "exponential"
    first: Duration = timedelta(seconds=1)
    cap: Duration = timedelta(minutes=10)
    jitter: float = 0.2
    total: Duration | None = None

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ValueError(f"Expected at least 1 attempt, but got {self.attempts}.")
        if self.total is not None and as_timedelta(self.total) <= timedelta():
            raise ValueError(f"Expected a total time above 0, but got {self.total}.")
        if self.backoff not in ("exponential", "fixed"):
            raise ValueError(f'Expected backoff to be "exponential" or "fixed", but got {self.backoff!r}.')
        if not 0 <= self.jitter <= 1:
            raise ValueError(f"Expected jitter to be between 0 and 1, but got {self.jitter}.")
        if as_timedelta(self.first) < timedelta(0) or as_timedelta(self.cap) < timedelta(0):
            raise ValueError("Expected waits of zero or more, but got a negative one.")

    def wait(self, failures: int, chance: float = 0.5) -> timedelta:
        """How long to wait after the given number of failures; `chance` (0 to 1) picks the place in the jitter."""
        first = as_timedelta(self.first).total_seconds()
        # 2 ** 60 of anything is past every cap; a larger exponent would only overflow.
        factor = 1.0 if self.backoff == "fixed" else 2.0 ** min(failures - 1, 60)
        seconds = min(first * factor, as_timedelta(self.cap).total_seconds())
        seconds *= 1 + self.jitter * (2 * chance - 1)
        return min(timedelta(seconds=seconds), LONGEST_WAIT)

    def next(self, failures: int, elapsed: timedelta, chance: float = 0.5) -> timedelta | None:
        """The wait before the next attempt; None means that none is left (`total` would be over).

        How many attempts are left is not decided here: the engine counts them, because an operator may grant more.
        """
        wait = self.wait(failures, chance)
        if self.total is not None and elapsed + wait > as_timedelta(self.total):
            return None
        return wait

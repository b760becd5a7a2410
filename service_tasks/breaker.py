"""The circuit breaker of a service: when it fails too often, its jobs are held instead of burning their attempts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from service_tasks.retry import Duration, as_timedelta


@dataclass(frozen=True, kw_only=True)
class Breaker:
    """When a breaker opens, and how long the service rests then.

    Arguments:
        rate: the share of failed calls from which on it opens, above 0 and at most 1.
        least: how many calls there must have been; fewer say nothing.
        window: how far back calls count.
        rest: how long until one call is tried; twice as long after each trial that failed.
        longest: the longest rest.

    Raises ValueError for values that make no sense.
    """

    rate: float = 0.5
    least: int = 20
    window: Duration = timedelta(seconds=30)
    rest: Duration = timedelta(seconds=10)
    longest: Duration = timedelta(minutes=5)

    def __post_init__(self) -> None:
        if not 0 < self.rate <= 1:
            raise ValueError(f"Expected rate to be above 0 and at most 1, but got {self.rate}.")
        if self.least < 1:
            raise ValueError(f"Expected least to be 1 or more, but got {self.least}.")
        if min(map(as_timedelta, (self.window, self.rest, self.longest))) <= timedelta(0):
            raise ValueError("Expected window, rest and longest to be longer than nothing.")

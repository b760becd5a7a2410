"""Virtual time: a clock that stands still until it is turned."""

from __future__ import annotations

from datetime import UTC, datetime

BEGINNING = datetime(2030, 1, 7, 9, 0, tzinfo=UTC)
"""When virtual time begins unless a test says otherwise: a Monday morning, the same in every run."""


class VirtualClock:
    """Gives the time that it was turned to. `engine.clock.Clock` for an engine under test."""

    def __init__(self, now: datetime = BEGINNING) -> None:
        self.now = _aware(now)

    def __call__(self) -> datetime:
        return self.now

    def turn_to(self, time: datetime) -> None:
        """Set the time. Raises ValueError for one without a time zone, and for one that is over."""
        self.check(time)
        self.now = time.astimezone(UTC)

    def check(self, time: datetime) -> None:
        """Raises ValueError for a time that the clock cannot be turned to."""
        if _aware(time) < self.now:
            raise ValueError(f"Expected a time not before {self.now.isoformat()}, because time only goes forward, "
                             f"but got {time.isoformat()}.")


def _aware(time: datetime) -> datetime:
    if time.tzinfo is None:
        raise ValueError(f"Expected a time with a time zone, but {time.isoformat()} has none.")
    return time

"""What the engine knows of a service: only what its clockwork needs. `service_tasks` fills it in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class JobContract:
    """What is promised about jobs of one type.

    `expected` is how long a job may stay open before its instance counts as stalled; `retries` is how many attempts
    there are when the model does not say.
    """

    expected: timedelta | None = None
    retries: int | None = None

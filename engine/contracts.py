"""What the engine knows of a service: only what its clockwork needs. `service_tasks` fills it in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class JobContract:
    """What is promised about jobs of one type.

    `expected` is how long a job may stay open before its instance counts as stalled; `retries` is how many attempts
    there are when the model does not say. `pickup` is how long a job may wait for a worker, `total` how long all
    attempts together may take, before an operator is asked. `repeatable` services may be called again with the same
    idempotency key; `askable` ones can be asked whether a call took effect. `inputs` are the variables that a service
    takes (None: any).
    """

    expected: timedelta | None = None
    retries: int | None = None
    pickup: timedelta | None = None
    total: timedelta | None = None
    repeatable: bool = True
    askable: bool = False
    inputs: frozenset[str] | None = None


ANY_WORKER = JobContract()
"""What holds for jobs of workers elsewhere: as with Camunda, they are handed out again when a worker vanishes."""

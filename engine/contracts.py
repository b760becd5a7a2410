"""What the engine knows of a service: only what its clockwork needs. `service_tasks` fills it in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class JobContract:
    """What is promised about jobs of one type.

    `expected` is how long a job may stay open before its instance counts as stalled; `retries` is how many attempts
    there are when the model does not say. `pickup` is how long a job may wait for a worker, `total` how long all
    attempts together may take, before an operator is asked. `repeatable` services may be called again with the same
    idempotency key; `askable` ones can be asked whether a call took effect. `inputs` are the variables that a service
    takes (None: any); `sensitive` are those variables whose values are hidden (`engine.masking`).
    """

    expected: timedelta | None = None
    retries: int | None = None
    pickup: timedelta | None = None
    total: timedelta | None = None
    repeatable: bool = True
    askable: bool = False
    inputs: frozenset[str] | None = None
    sensitive: frozenset[str] = frozenset()

    def may_repeat(self, headers: Mapping[str, str], variables: Mapping[str, Any]) -> bool:
        """Whether the call of a job with these task headers and variables may be made again with its key."""
        return self.repeatable


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractPerCall(JobContract):
    """The contract of a service that stands for many: `repeatable_call` tells of one call whether it may be repeated,
    by the task headers and the variables of its job."""

    repeatable_call: Callable[[Mapping[str, str], Mapping[str, Any]], bool]

    def may_repeat(self, headers: Mapping[str, str], variables: Mapping[str, Any]) -> bool:
        """Whether this call may be made again with its key."""
        return self.repeatable_call(headers, variables)


ANY_WORKER = JobContract()
"""What holds for jobs of workers elsewhere: as with Camunda, they are handed out again when a worker vanishes."""


class Published:
    """The contracts that are known from the database (`engine.services`), by name; `is_read` once somebody looked."""

    def __init__(self) -> None:
        self.contracts: Mapping[str, JobContract] = {}
        self.is_read = False

    @property
    def sensitive(self) -> frozenset[str]:
        """The variables that one of them declares sensitive."""
        return frozenset().union(*(each.sensitive for each in self.contracts.values()))

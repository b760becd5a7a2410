"""What a worker knows of the health of its services: it opens and closes their breakers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from service_tasks.contract import ServiceContract
from service_tasks.exchange import Trip
from service_tasks.health import Health, is_failure
from service_tasks.held import Held
from service_tasks.outcome import Failed, Outcome


class Watch:
    """Looks at the outcomes of one worker. Used by the worker's own thread only."""

    def __init__(self, contracts: Mapping[str, ServiceContract]) -> None:
        self._health = {name: Health(contract.policy.breaker) for name, contract in contracts.items()}
        self.held: frozenset[str] = frozenset()
        self._due: list[Trip | str] = []

    def judge(self, held: Held, outcome: Outcome, now: float) -> Outcome:
        """Count an outcome. While the service is held, a failure costs the job no attempt."""
        name = held.contract.name
        reason = self._health[name].note(now, outcome)
        failed = is_failure(outcome)
        if held.trial and failed is not None:
            self._health[name].forget()
            reason = f"The call that was let through failed: {getattr(outcome, 'message', '')}" if failed else None
            if not failed:
                self._due.append(name)
        if reason is not None and (held.trial or name not in self.held):
            self._due.append(Trip(name, reason, held.contract.policy.breaker))
            self.held |= {name}
        if isinstance(outcome, Failed) and outcome.retries is None and (held.trial or name in self.held):
            return replace(outcome, retries=max(held.job.retries, 1))
        return outcome

    def due(self) -> list[Trip | str]:
        """The breakers to open and to close, once."""
        due, self._due = self._due, []
        return due

    def put_off(self, untold: Sequence[Trip | str]) -> None:
        """Nobody could be told of these breakers: they are due again."""
        self._due = [*untold, *self._due]

    def look(self, held: frozenset[str]) -> frozenset[str]:
        """Take note of the services that are held now; those that are not any more."""
        released, self.held = self.held - held, held
        return released

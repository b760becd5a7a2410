"""What a drill found, as data that can be kept and shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """An element that calls a service."""

    process_id: str
    element_id: str
    name: str | None
    service: str
    why: str | None = None
    """Of a step that was never reached: what was in the way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What a service did at an element. `undoing` tells how it could have been undone: the service or handler that
    does it; None if nothing can."""

    element_id: str
    name: str | None
    service: str
    undoing: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One failure at one step: the error `code` that the service threw, or None for a technical failure that stayed
    an incident until an operator cancelled the instance.

    `outcome` says how the instance ended. `handlers` are the compensation handlers that ran, in order; `compensated`
    the effects that were undone. `remained` are those that were not; they count. `by_hand` are those that an operator
    who cancels has to undo, which can be done; `kept` those that belong to a process that went on as if nothing had
    failed.
    """

    step: Step
    code: str | None
    outcome: str
    scenario: int
    handlers: Sequence[Effect] = ()
    compensated: Sequence[Effect] = ()
    remained: Sequence[Effect] = ()
    by_hand: Sequence[Effect] = ()
    kept: Sequence[Effect] = ()

    @property
    def is_clean(self) -> bool:
        """Whether nothing was left that should have been undone."""
        return not self.remained


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of a drill. `scenarios` are the ways on which the steps were reached, by their number."""

    process_id: str
    trials: Sequence[Trial]
    unreached: Sequence[Step]
    scenarios: Sequence[Mapping[str, Any]]
    runs: int

    @property
    def is_clean(self) -> bool:
        """Whether no failure left anything behind, and not only because nothing could be tried."""
        return all(trial.is_clean for trial in self.trials) and bool(self.trials or not self.unreached)

    @property
    def remained(self) -> int:
        """How many failures left something behind."""
        return sum(not trial.is_clean for trial in self.trials)

    def as_json(self) -> dict[str, Any]:
        """The report as JSON-compatible data."""
        return {**asdict(self), "clean": self.is_clean}

"""What came of an evaluation, in the shape that the history and Camunda 8's REST API want."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


class DecisionError(Exception):
    """A decision could not be evaluated; the message is a sentence. `decision_id` is the one that failed."""

    def __init__(self, message: str, decision_id: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.decision_id = decision_id


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluatedInput:
    """An input column of a decision table and its value."""

    id: str
    name: str
    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluatedOutput:
    """An output column of a matched rule and its value."""

    id: str
    name: str
    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedRule:
    """A rule that matched; `index` counts from 1."""

    id: str
    index: int
    outputs: tuple[EvaluatedOutput, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluatedDecision:
    """One decision of the requirement graph, as it was evaluated."""

    id: str
    name: str
    kind: str
    """`DECISION_TABLE`, `LITERAL_EXPRESSION` or `UNKNOWN`, as Camunda 8 names them."""
    output: Any
    inputs: tuple[EvaluatedInput, ...] = ()
    rules: tuple[MatchedRule, ...] = ()
    namespace: str = ""
    """Of the file that it stands in: an imported file may have a decision with the same id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The result of a decision, and every decision that was evaluated for it, required ones first."""

    output: Any
    decisions: tuple[EvaluatedDecision, ...] = ()
    warnings: list[str] = field(default_factory=list)

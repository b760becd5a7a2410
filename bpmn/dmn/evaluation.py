"""One evaluation of a decision: what is known, what was computed, and the record of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bpmn.dmn.graph import Decision, Element
from bpmn.dmn.outcome import DecisionError, EvaluatedDecision, EvaluatedInput, EvaluatedOutput, MatchedRule
from bpmn.dmn.tables import Hits, Table
from bpmn.feel.errors import FeelError
from bpmn.feel.values import Value, show, to_json

Key = tuple[str, str]


class Evaluation:
    """The state of one evaluation.

    `variables` is what the caller gives; `overrides` are values of decisions, by name, that are not to be computed;
    `find_input` looks up an input data element where its name alone is not enough (imports).
    """

    def __init__(self, variables: Mapping[str, Any], overrides: Mapping[str, Value] | None = None,
                 find_input: Callable[[Element], Value] | None = None) -> None:
        self.variables = variables
        self.decisions: list[EvaluatedDecision] = []
        self._overrides = overrides or {}
        self._find_input = find_input
        self._values: dict[Key, Value] = {}
        self._open: set[Key] = set()

    def inner(self) -> Evaluation:
        """An evaluation inside this one that knows nothing yet but records into it."""
        run = Evaluation({})
        run.decisions = self.decisions
        return run

    def input(self, element: Element) -> Value:
        """The value of an input data element."""
        if self._find_input is not None:
            return self._find_input(element)
        try:
            return self.variables[element.name]
        except KeyError:
            return None

    def override(self, element: Element) -> tuple[bool, Value]:
        """Whether the caller gives the value of a decision, and the value."""
        return element.name in self._overrides, self._overrides.get(element.name)

    def remember(self, element: Element, value: Value) -> None:
        """Set the value of an element."""
        self._values[element.key] = value

    def value_of(self, element: Element) -> Value:
        """The value of an element, computed once. Raises DecisionError."""
        if element.key in self._values:
            return self._values[element.key]
        if element.key in self._open:
            raise DecisionError(f"Expected decisions that do not need each other, but `{element.name}` needs itself.",
                                element.id)
        self._open.add(element.key)
        try:
            value = element.value(self)
        except FeelError as error:
            raise DecisionError(f"Expected to evaluate the decision `{element.name or element.id}`, "
                                f"but it failed: {error}", element.id) from error
        finally:
            self._open.discard(element.key)
        self._values[element.key] = value
        return value

    def record(self, decision: Decision, value: Value, hits: Hits | None) -> None:
        """Keep what came of a decision."""
        table = decision.table
        self.decisions.append(EvaluatedDecision(
            id=decision.id, name=decision.name, kind=decision.kind, output=_stored(value),
            namespace=decision.model.namespace,
            inputs=() if hits is None or table is None else _inputs(table, hits),
            rules=() if hits is None or table is None else _rules(table, hits)))


def _inputs(table: Table, hits: Hits) -> tuple[EvaluatedInput, ...]:
    return tuple(EvaluatedInput(id=column.id, name=column.name, value=_stored(value))
                 for column, value in zip(table.inputs, hits.inputs, strict=False))


def _rules(table: Table, hits: Hits) -> tuple[MatchedRule, ...]:
    return tuple(
        MatchedRule(id=rule.id, index=rule.index, outputs=tuple(
            EvaluatedOutput(id=column.id, name=column.name, value=_stored(value))
            for column, value in zip(table.outputs, values, strict=False)))
        for rule, values in hits.rules)


def _stored(value: Value) -> Any:
    """A value for the history, which takes text for what JSON cannot hold."""
    try:
        return to_json(value)
    except FeelError:
        return show(value)

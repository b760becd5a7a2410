"""What a business rule task of Camunda 7 makes of a decision's result (`camunda:mapDecisionResult`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bpmn.dmn.graph import Decision
from bpmn.dmn.outcome import DecisionError
from bpmn.dmn.xml import child, name_of

Rows = list[dict[str, Any]]


def map_result(decision: Decision, output: Any, mapping: str) -> Any:
    """The value for the result variable.

    Args:
        decision: the decision that was evaluated.
        output: its output, JSON-native.
        mapping: singleEntry, singleResult, collectEntries or resultList (Camunda 7 manual, "The Mapping of the
            Decision Result").

    Raises:
        DecisionError: there are more results or entries than the mapping takes, or no such mapping.
    """
    mapper = _MAPPERS.get(mapping)
    if mapper is None:
        raise DecisionError(f"Expected the mapping {', '.join(_MAPPERS)}, but it is {mapping!r}.", decision.id)
    return mapper(decision, rows(decision, output))


def rows(decision: Decision, output: Any) -> Rows:
    """The output as Camunda 7 sees it: a list of results, each with its entries by the name of their column."""
    if output is None or output == []:
        return []
    return [item if isinstance(item, dict) else {_entry_name(decision): item}
            for item in (output if isinstance(output, list) else [output])]


def _entry_name(decision: Decision) -> str:
    if decision.table is not None and len(decision.table.outputs) == 1:
        return decision.table.outputs[0].name
    variable = child(decision.node, "variable")
    return (name_of(variable) if variable is not None else "") or decision.name


def _single_result(decision: Decision, found: Rows) -> Any:
    if len(found) > 1:
        raise DecisionError(f"Expected one result of the decision `{decision.name}`, but there are {len(found)}.",
                            decision.id)
    return found[0] if found else None


def _entry(decision: Decision, row: Mapping[str, Any]) -> Any:
    if len(row) > 1:
        raise DecisionError(f"Expected one entry in a result of the decision `{decision.name}`, "
                            f"but there are {len(row)}: {', '.join(row)}.", decision.id)
    return next(iter(row.values()), None)


def _single_entry(decision: Decision, found: Rows) -> Any:
    row = _single_result(decision, found)
    return None if row is None else _entry(decision, row)


def _collect_entries(decision: Decision, found: Rows) -> Any:
    return [_entry(decision, row) for row in found]


def _result_list(decision: Decision, found: Rows) -> Any:
    return found


_MAPPERS: Mapping[str, Callable[[Decision, Rows], Any]] = {
    "singleEntry": _single_entry,
    "singleResult": _single_result,
    "collectEntries": _collect_entries,
    "resultList": _result_list,
}

"""What is doubtful in decision tables, in words: rules that overlap, gaps, rules that never match, wrong types.

These are warnings. A table may be right for the inputs that occur; only its author can tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING

from bpmn.dmn.axes import Axis, build, literals
from bpmn.dmn.graph import Decision, InputData
from bpmn.dmn.tables import Rule, Table
from bpmn.feel.errors import FeelError
from bpmn.feel.limits import running
from bpmn.feel.scope import suggestion
from bpmn.feel.types import Simple, Type
from bpmn.feel.values import show, type_name
from bpmn.problems import Problem, Severity
from bpmn.wording import quoted

if TYPE_CHECKING:
    from bpmn.dmn.models import DecisionModel

_MAX_RULES = 300
_MAX_FINDINGS = 5
_MAX_GAPS = 100
_MAX_STEPS = 20_000
_EXCLUSIVE = frozenset({"UNIQUE", "ANY", "FIRST", "PRIORITY"})


def check(model: DecisionModel) -> list[Problem]:
    """The warnings about a model's decisions."""
    found: list[Problem] = []
    for decision in model.decisions.values():
        if decision.history_ttl and decision.history_ttl_days is None:
            found.append(Problem(
                severity=Severity.WARNING, resource_name=model.resource_name, element_id=decision.id,
                element_name=decision.name,
                message="Expected historyTimeToLive to be days such as 30 or P30D, but it is "
                        f"{quoted(decision.history_ttl)}: what it says is kept as long as the server says."))
        if decision.table is None or decision.problem is not None:
            continue
        # Whoever writes cells that run out of a budget gets no warnings, and an incident when they are evaluated.
        with suppress(FeelError), running():
            for rule, message in _findings(model, decision, decision.table):
                found.append(Problem(
                    severity=Severity.WARNING, message=message, resource_name=model.resource_name,
                    element_id=rule.id if rule is not None and rule.id else decision.id, element_name=decision.name))
    return found


def _findings(model: DecisionModel, decision: Decision, table: Table) -> Iterator[tuple[Rule | None, str]]:
    yield from _unknown_inputs(model, decision, table)
    yield from _wrong_types(table)
    if not table.rules or len(table.rules) > _MAX_RULES:
        return
    if any(len(rule.cells) != len(table.inputs) for rule in table.rules):
        return
    axes = [build([rule.cells[index] for rule in table.rules], column.values)
            for index, column in enumerate(table.inputs)]
    yield from _never_matching(table, axes)
    complete = [axis for axis in axes if axis is not None]
    if len(complete) < len(axes):
        return
    if table.policy == "UNIQUE":
        yield from _overlaps(table, complete)
    if table.policy == "FIRST":
        yield from _hidden(table, complete)
    if table.policy in _EXCLUSIVE and all(column.default is None for column in table.outputs):
        yield from _gaps(table, complete)


def _unknown_inputs(model: DecisionModel, decision: Decision, table: Table) -> Iterator[tuple[Rule | None, str]]:
    declared = {element.name for element in model.elements.values() if isinstance(element, InputData)}
    if not declared:
        return  # drawn without inputs: any process variable may be meant
    known = declared | set(decision.known_names())
    for column in table.inputs:
        for name in sorted(column.names - known):
            yield None, f"Expected an input or decision named `{name}`, but there is none{suggestion(name, known)}"


def _wrong_types(table: Table) -> Iterator[tuple[Rule | None, str]]:
    for rule in table.rules:
        for column, cell in zip(table.inputs, rule.cells, strict=False):
            for value in literals(cell) or ():
                if _differs(value, column.type):
                    yield rule, (f"Expected a {_name(column.type)} in the column `{column.name}`, "
                                 f"but rule {rule.index} tests for {show(value, True)}, a {type_name(value)}.")


def _name(kind: Type | None) -> str:
    return getattr(kind, "name", "value")


def _differs(value: object, kind: Type | None) -> bool:
    simple = kind if isinstance(kind, Simple) else getattr(kind, "base", None)
    return value is not None and isinstance(simple, Simple) and not simple.takes_lists and not simple.accepts(value)


def _never_matching(table: Table, axes: Sequence[Axis | None]) -> Iterator[tuple[Rule | None, str]]:
    for number, rule in enumerate(table.rules):
        for column, axis in zip(table.inputs, axes, strict=True):
            if axis is not None and axis.type_name is not None and axis.cells[number] == frozenset():
                text = rule.cells[table.inputs.index(column)].text
                if literals(rule.cells[table.inputs.index(column)]) not in ([None], None):
                    yield rule, f"Rule {rule.index} can never match: no value of `{column.name}` passes `{text}`."


def _common(axes: Sequence[Axis], one: int, two: int) -> list[frozenset[int]] | None:
    """What two rules have in common in each column; None if nothing, or if that cannot be told."""
    found: list[frozenset[int]] = []
    for axis in axes:
        first, second = axis.cells[one], axis.cells[two]
        if first is None or second is None or not first & second:
            return None
        found.append(first & second)
    return found


def _overlaps(table: Table, axes: Sequence[Axis]) -> Iterator[tuple[Rule | None, str]]:
    count = 0
    for one, rule in enumerate(table.rules):
        for two in range(one + 1, len(table.rules)):
            common = _common(axes, one, two)
            if common is None:
                continue
            where = _where(table, axes, [min(part) for part in common])
            yield table.rules[two], (f"Expected at most one rule to match under the hit policy UNIQUE, "
                                     f"but rules {rule.index} and {table.rules[two].index} both match{where}.")
            count += 1
            if count == _MAX_FINDINGS:
                return


def _hidden(table: Table, axes: Sequence[Axis]) -> Iterator[tuple[Rule | None, str]]:
    for two, rule in enumerate(table.rules):
        for one in range(two):
            if all(_covers(axis, one, two) for axis in axes):
                yield rule, (f"Rule {rule.index} can never be the first to match: "
                             f"rule {table.rules[one].index} matches whenever it does.")
                break


def _covers(axis: Axis, outer: int, inner: int) -> bool:
    wide, narrow = axis.cells[outer], axis.cells[inner]
    if wide is None:
        return False
    return wide == axis.everything if narrow is None else narrow <= wide


def _where(table: Table, axes: Sequence[Axis], segments: Sequence[int], last: int | None = None) -> str:
    """The columns' values in words; columns that do not matter are left out. With `last`, the last column has all
    values up to that segment."""
    parts = []
    for place, (column, axis, number) in enumerate(zip(table.inputs, axes, segments, strict=False)):
        if axis.type_name is not None and len(axis.segments) > 1:
            end = last if last is not None and place == len(segments) - 1 else number
            parts.append(axis.words(column.name, number, end))
    return " when " + " and ".join(parts) if parts else ""


class _Search:
    """Looks for combinations of segments that no rule matches, column by column."""

    def __init__(self, axes: Sequence[Axis]) -> None:
        self._axes = axes
        self._complete: set[tuple[int, frozenset[int]]] = set()
        self.steps = 0

    def gaps(self, column: int, rules: frozenset[int], path: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        """The segments of each gap, as far as they matter."""
        if not rules:
            yield path
            return
        if column == len(self._axes) or (column, rules) in self._complete:
            return
        self.steps += 1
        if self.steps > _MAX_STEPS:
            return
        axis, found = self._axes[column], False
        for number in range(len(axis.segments)):
            # A cell that cannot be judged counts as passed: no false alarm.
            left = frozenset(rule for rule in rules if (cell := axis.cells[rule]) is None or number in cell)
            for gap in self.gaps(column + 1, left, (*path, number)):
                found = True
                yield gap
        if not found:
            self._complete.add((column, rules))


def _gaps(table: Table, axes: Sequence[Axis]) -> Iterator[tuple[Rule | None, str]]:
    search = _Search(axes)
    found = islice(search.gaps(0, frozenset(range(len(table.rules))), ()), _MAX_GAPS)
    for gap, last in islice(_joined(axes, found), _MAX_FINDINGS):
        where = _where(table, axes, gap, last)
        if where:
            yield None, f"Expected a rule for every input, but none matches{where}."


def _joined(axes: Sequence[Axis], gaps: Iterable[tuple[int, ...]]) -> Iterator[tuple[tuple[int, ...], int]]:
    """Gaps that follow each other in their last column as one: its first segments, and the last one."""
    begun: tuple[int, ...] = ()
    last = 0
    for gap in gaps:
        if begun and gap[:-1] == begun[:-1] and gap[-1] == last + 1 and axes[len(gap) - 1].is_ordered:
            last += 1
            continue
        if begun:
            yield begun, last
        begun, last = gap, gap[-1] if gap else 0
    if begun:
        yield begun, last

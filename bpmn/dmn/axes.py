"""The values that a column of a decision table can have, cut where its cells tell them apart.

An axis is a list of segments: single values, and the open stretches between them. A cell that holds nothing but
literals passes a segment as a whole or not at all, so that it is a set of segment numbers; that is found by trying
one value of each segment. So overlaps and gaps are questions about small sets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cmp_to_key
from typing import Any

from bpmn.feel import operations, syntax
from bpmn.feel.compiler import Compiler, walk
from bpmn.feel.errors import FeelError
from bpmn.feel.library import BUILTINS
from bpmn.feel.limits import spend
from bpmn.feel.operations import ORDERS, compare, equal
from bpmn.feel.program import Tests
from bpmn.feel.syntax import Node
from bpmn.feel.temporal import DAY_NANOS, DaysDuration, MonthsDuration
from bpmn.feel.values import NUMBERS, TEMPORALS, Range, Value, show, type_name, whole

_NO_NAMES: Mapping[str, Any] = {}
_LITERAL = (syntax.Constant, syntax.Test, syntax.Interval, syntax.Negation, syntax.ListOf, syntax.UnaryTests)
_COMPARISONS_PER_STEP = 16
"""How many values are compared in the time of one step of an expression."""
_CONSTRUCTORS = frozenset({"date", "time", "date and time", "duration"})


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of an axis: one value, or everything between two; `sample` is a value in it."""

    sample: Value
    low: Value = None
    high: Value = None
    is_point: bool = False

    def words(self, name: str) -> str:
        """What holds for the column in this segment."""
        if self.is_point:
            return f"`{name}` is {show(self.sample, True)}"
        if self.low is None:
            return f"`{name}` is below {show(self.high, True)}"
        if self.high is None:
            return f"`{name}` is above {show(self.low, True)}"
        return f"`{name}` is between {show(self.low, True)} and {show(self.high, True)}"


@dataclass(frozen=True, slots=True)
class Axis:
    """The segments of a column, which of them each rule's cell passes (None: that cannot be told), and its type."""

    segments: tuple[Segment, ...]
    cells: tuple[frozenset[int] | None, ...]
    type_name: str | None

    def words(self, name: str, first: int, last: int) -> str:
        """What holds for the column in neighbouring segments."""
        one, two = self.segments[first], self.segments[last]
        if first == last:
            return one.words(name)
        low, high = one.sample if one.is_point else one.low, two.sample if two.is_point else two.high
        if low is None:
            return f"`{name}` is {'at most' if two.is_point else 'below'} {show(high, True)}"
        if high is None:
            return f"`{name}` is {'at least' if one.is_point else 'above'} {show(low, True)}"
        return (f"`{name}` is in {'[' if one.is_point else '('}{show(low, True)}..{show(high, True)}"
                f"{']' if two.is_point else ')'}")

    @property
    def is_ordered(self) -> bool:
        """Whether its segments follow each other without anything between them."""
        return self.type_name is not None and _KINDS[self.type_name] is _ordered

    @property
    def everything(self) -> frozenset[int]:
        """All segments."""
        return frozenset(range(len(self.segments)))


def literals(tests: Tests) -> list[Value] | None:
    """The values that a cell is written with, ends of ranges too; None if it holds more than literals."""
    found: list[Value] = []
    try:
        for node in tests.node.tests:
            found += _values(node)
    except _NotLiteral:
        return None
    return found


class _NotLiteral(Exception):
    """Something in a cell depends on more than the tested value."""


def _values(node: Node) -> Iterator[Value]:
    if isinstance(node, syntax.Constant):
        yield node.value
    elif isinstance(node, syntax.Test):
        yield from _values(node.operand)
    elif isinstance(node, syntax.Interval):
        yield from _values(node.start)
        yield from _values(node.end)
    elif isinstance(node, syntax.ListOf):
        for item in node.items:
            yield from _values(item)
    elif isinstance(node, syntax.Negation) or _is_constructor(node):
        value = Compiler(BUILTINS).compile(node)(_NO_NAMES)
        if value is None:
            raise _NotLiteral
        yield value
    else:
        raise _NotLiteral


def _is_constructor(node: Node) -> bool:
    return (isinstance(node, syntax.Call) and isinstance(node.function, syntax.Name)
            and node.function.name in _CONSTRUCTORS
            and all(isinstance(part, _LITERAL) for argument in node.arguments for part in walk(argument)))


def build(cells: Sequence[Tests], allowed: Tests | None) -> Axis | None:
    """The axis of a column; None if its cells are written with values of different types."""
    written = [literals(cell) for cell in cells]
    values = [value for found in written for value in found or () if value is not None]
    names = {type_name(value) for value in values}
    if len(names) > 1 or (names and next(iter(names)) not in _KINDS):
        return None
    kind = next(iter(names), None)
    segments = tuple(_KINDS[kind](_distinct(values), allowed)) if kind else (Segment(None),)
    if allowed is not None and kind:
        segments = tuple(segment for segment in segments if _passes(allowed, segment.sample))
    sets = tuple(None if found is None else _passed(cell, segments, len(found))
                 for cell, found in zip(cells, written, strict=True))
    return Axis(segments, sets, kind)


def _passed(cell: Tests, segments: Sequence[Segment], size: int) -> frozenset[int]:
    spend(len(segments) * (size + 1) // _COMPARISONS_PER_STEP)
    return frozenset(number for number, segment in enumerate(segments) if _passes(cell, segment.sample))


def _passes(tests: Tests, value: Value) -> bool:
    try:
        return tests.passes(_NO_NAMES, value)
    except FeelError:
        return False


def _distinct(values: Sequence[Value]) -> list[Value]:
    kept: list[Value] = []
    for value in values:
        spend(len(kept) // _COMPARISONS_PER_STEP)
        if not any(equal(value, other) is True for other in kept):
            kept.append(value)
    return kept


def _ordered(values: list[Value], allowed: Tests | None) -> Iterator[Segment]:
    if allowed is not None:
        bounds = [value for value in literals(allowed) or () if type(value) in NUMBERS | TEMPORALS]
        values = _distinct([*values, *bounds])
    values = sorted(values, key=cmp_to_key(lambda one, two: -1 if compare(one, two, ORDERS["<"]) else 1))
    yield from _open(None, values[0])
    for index, value in enumerate(values):
        yield Segment(value, is_point=True)
        yield from _open(value, values[index + 1] if index + 1 < len(values) else None)


def _open(low: Value, high: Value) -> Iterator[Segment]:
    """The open stretch between two values, if anything is in it."""
    sample = _between(low, high)
    inside = (low is None or compare(sample, low, ORDERS[">"])) and (high is None or compare(sample, high, ORDERS["<"]))
    if sample is not None and inside and not _neighbours(low, high):
        yield Segment(sample, low, high)


def _neighbours(low: Value, high: Value) -> bool:
    """Whether two numbers follow each other as integers: who writes `<= 5` and `>= 6` means integers."""
    if type(low) not in NUMBERS or type(high) not in NUMBERS:
        return False
    first, second = whole(low), whole(high)
    return first is not None and second is not None and second - first == 1


def _between(low: Value, high: Value) -> Value:
    known = high if low is None else low
    try:
        if type(known) in NUMBERS:
            if low is None or high is None:
                return operations.add(known, Decimal(1 if high is None else -1))
            return operations.divide(operations.add(low, high), 2)
        step = _step(low, high, known)
        return operations.subtract(high, step) if low is None else operations.add(low, step)
    except (ArithmeticError, ValueError):
        return None


def _step(low: Value, high: Value, known: Value) -> Value:
    if low is not None and high is not None:
        return operations.divide(operations.subtract(high, low), 2)
    return MonthsDuration(1) if type(known) is MonthsDuration else DaysDuration(DAY_NANOS)


def _texts(values: list[Value], allowed: Tests | None) -> Iterator[Segment]:
    # Any other text is no gap: without allowed values nobody can write a rule for each.
    known = [value for value in (literals(allowed) or [] if allowed is not None else []) if type(value) is str]
    return (Segment(value, is_point=True) for value in _distinct([*values, *known]) if not isinstance(value, Range))


def _truths(values: list[Value], allowed: Tests | None) -> Iterator[Segment]:
    return (Segment(value, is_point=True) for value in (True, False))


_KINDS = {
    "number": _ordered,
    "date": _ordered,
    "time": _ordered,
    "date and time": _ordered,
    "days and time duration": _ordered,
    "years and months duration": _ordered,
    "string": _texts,
    "boolean": _truths,
}

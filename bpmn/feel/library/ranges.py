"""Range functions (DMN 1.5 §10.3.4.9 and table 78): how points and ranges lie to each other."""

from __future__ import annotations

import operator
from collections.abc import Callable

from bpmn.feel.library.registry import Unfit, builtin
from bpmn.feel.operations import compare, equal
from bpmn.feel.values import Range, Value, type_name

_POINTS = "point1: any, point2: any"
_POINT_RANGE = "point: any, range: range"
_RANGE_POINT = "range: range, point: any"
_RANGES = "range1: range, range2: range"


def _as_range(value: Value) -> Range:
    if value is None:
        raise Unfit("Expected a point or range, but it is null.")
    return value if type(value) is Range else Range(value, value, True, True)


def _less(one: Value, two: Value) -> bool:
    result = compare(one, two, operator.lt)
    if result is None:
        raise Unfit(f"Expected values of one ordered type, but they are a {type_name(one)} and a {type_name(two)}.")
    return result


def _same(one: Value, two: Value) -> bool:
    result = equal(one, two)
    if result is None:
        raise Unfit(f"Expected values of one type, but they are a {type_name(one)} and a {type_name(two)}.")
    return result


def _before(one: Range, two: Range) -> bool:
    if one.end is None or two.start is None:
        return False
    return _less(one.end, two.start) or (_same(one.end, two.start) and not (one.end_included and two.start_included))


def _starts_with(outer: Range, inner: Range) -> bool:
    """Whether `outer` begins where `inner` does, or earlier."""
    if outer.start is None:
        return True
    if inner.start is None:
        return False
    return _less(outer.start, inner.start) or (
        _same(outer.start, inner.start) and (outer.start_included or not inner.start_included))


def _ends_with(outer: Range, inner: Range) -> bool:
    """Whether `outer` ends where `inner` does, or later."""
    if outer.end is None:
        return True
    if inner.end is None:
        return False
    return _less(inner.end, outer.end) or (
        _same(inner.end, outer.end) and (outer.end_included or not inner.end_included))


def _includes(outer: Range, inner: Range) -> bool:
    return _starts_with(outer, inner) and _ends_with(outer, inner)


def _meets(one: Range, two: Range) -> bool:
    return _same(one.end, two.start) and one.end_included and two.start_included


def _overlaps(one: Range, two: Range) -> bool:
    return not _before(one, two) and not _before(two, one)


def _overlaps_before(one: Range, two: Range) -> bool:
    begins = _starts_with(one, two) and not _starts_with(two, one)
    return begins and _ends_with(two, one) and not _before(one, two)


def _overlaps_after(one: Range, two: Range) -> bool:
    begins = _starts_with(two, one) and not _starts_with(one, two)
    return begins and _ends_with(one, two) and not _before(two, one)


def _same_end(one: Range, two: Range) -> bool:
    return _same(one.end, two.end) and one.end_included is two.end_included


def _same_start(one: Range, two: Range) -> bool:
    return _same(one.start, two.start) and one.start_included is two.start_included


def _relation(name: str, holds: Callable[[Range, Range], bool], *signatures: str) -> None:
    def check(one: Value, two: Value) -> bool:
        return holds(_as_range(one), _as_range(two))

    builtin(name, *signatures)(check)


_relation("before", _before, _RANGES, _POINT_RANGE, _RANGE_POINT, _POINTS)
_relation("after", lambda one, two: _before(two, one), _RANGES, _POINT_RANGE, _RANGE_POINT, _POINTS)
_relation("meets", _meets, _RANGES)
_relation("met by", lambda one, two: _meets(two, one), _RANGES)
_relation("overlaps", _overlaps, _RANGES)
_relation("overlaps before", _overlaps_before, _RANGES)
_relation("overlaps after", _overlaps_after, _RANGES)
_relation("includes", _includes, _RANGES, _RANGE_POINT)
_relation("during", lambda one, two: _includes(two, one), _RANGES, _POINT_RANGE)
_relation("starts", lambda one, two: _same_start(one, two) and _includes(two, one), _RANGES, _POINT_RANGE)
_relation("started by", lambda one, two: _same_start(one, two) and _includes(one, two), _RANGES, _RANGE_POINT)
_relation("finishes", lambda one, two: _same_end(one, two) and _includes(two, one), _RANGES, _POINT_RANGE)
_relation("finished by", lambda one, two: _same_end(one, two) and _includes(one, two), _RANGES, _RANGE_POINT)
_relation("coincides", lambda one, two: _same_start(one, two) and _same_end(one, two), _RANGES, _POINTS)


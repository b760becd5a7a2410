"""Closures for what repeats: `for`, `some`, `every` and filters. Each round costs a step of the run's budget."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bpmn.feel.closures import Code, Scope
from bpmn.feel.limits import current_run, warn
from bpmn.feel.scope import Local
from bpmn.feel.temporal import Date, from_epoch_day
from bpmn.feel.values import NUMBERS, Range, Value, type_name, whole


def elements(value: Value) -> Iterator[Value] | None:
    """What a loop goes through: the elements of a list, or the integers or days of a range, up or down."""
    kind = type(value)
    if kind is list:
        items: Iterator[Value] = iter(value)
        return items
    if kind is Range:
        return _points(value)
    if value is None:
        warn("Expected a list to go through, but it is null.")
        return None
    return iter((value,))


def _points(interval: Range) -> Iterator[Value] | None:
    start, end = interval.start, interval.end
    if type(start) in NUMBERS and type(end) in NUMBERS:
        first, last = whole(start), whole(end)
        if first is not None and last is not None:
            return iter(_span(first, last, interval))
    elif type(start) is Date and type(end) is Date:
        return map(from_epoch_day, _span(start.epoch_day, end.epoch_day, interval))
    warn(f"Expected a range of integers or dates to go through, but it is {interval}.")
    return None


def _span(first: int, last: int, interval: Range) -> range:
    step = 1 if first <= last else -1
    return range(first if interval.start_included else first + step,
                 last + step if interval.end_included else last, step)


class _NoList(Exception):
    """An iterator's source is nothing to go through."""


def combinations(iterators: Sequence[tuple[str, Code]], scope: Local, fresh: bool) -> Iterator[Local]:
    """The scope with each combination of the iterators' elements, the last one fastest.

    `fresh` gives every combination a scope of its own, for bodies whose functions remember it.
    """
    (name, source), rest = iterators[0], iterators[1:]
    run = current_run()
    items = elements(source(scope))
    if items is None:
        raise _NoList
    for item in items:
        run.spend(1)
        inner = Local(scope) if fresh else scope
        inner[name] = item
        if rest:
            yield from combinations(rest, inner, fresh)
        else:
            yield inner


def collect(iterators: Sequence[tuple[str, Code]], body: Code, partial: bool, fresh: bool) -> Code:
    """`for … return body`; `partial` says that the body reads the results so far."""

    def run(scope: Scope) -> list[Value] | None:
        results: list[Value] = []
        budget = current_run()
        try:
            for inner in combinations(iterators, Local(scope), fresh):
                if partial:
                    budget.spend(len(results) >> 4)
                    inner["partial"] = results.copy()
                results.append(body(inner))
        except _NoList:
            return None
        return results

    return run


def quantify(some: bool, iterators: Sequence[tuple[str, Code]], condition: Code, fresh: bool) -> Code:
    """`some … satisfies` and `every … satisfies` (DMN 1.5 table 54)."""

    def run(scope: Scope) -> bool | None:
        result: bool | None = not some
        try:
            for inner in combinations(iterators, Local(scope), fresh):
                value = condition(inner)
                if type(value) is bool and value is some:
                    return some
                if type(value) is not bool:
                    result = None
        except _NoList:
            return None
        return result

    return run


def at_index(items: list[Value], index: Value) -> Value:
    """`items[index]`, counted from 1, or from the end if negative; null beyond."""
    place = whole(index)
    if place is not None and place != 0 and -len(items) <= place <= len(items):
        return items[place - 1 if place > 0 else place]
    warn(f"Expected an index up to {len(items)}, but it is {index}.")
    return None


def _as_list(value: Value) -> list[Value]:
    if type(value) is list:
        return value
    return [] if value is None else [value]


def pick(source: Code, index: int) -> Code:
    """`source[1]`."""

    def run(scope: Scope) -> Value:
        return at_index(_as_list(source(scope)), index)

    return run


def select(source: Code, condition: Code, names: frozenset[str], fresh: bool) -> Code:
    """`source[condition]`: the elements for which it is true, or the one whose index it gives.

    Inside, `item` is the element, and the entries of an element that is a context are variables (DMN 1.5
    §10.3.2.5); `names` are those that the condition reads.
    """

    def run(scope: Scope) -> Value:
        items = _as_list(source(scope))
        budget = current_run()
        inner = Local(scope)
        if not items:
            return None if type(condition(inner)) in NUMBERS else []
        chosen: list[Value] = []
        for item in items:
            budget.spend(1)
            inner = Local(scope) if fresh else inner
            _enter(inner, item, names)
            found = condition(inner)
            if found is True:
                chosen.append(item)
            elif type(found) in NUMBERS:
                return at_index(items, found)
            elif type(found) is not bool and found is not None:
                warn(f"Expected the filter to give true, false or an index, but it gave a {type_name(found)}.")
                return None
        return chosen

    return run


def _enter(scope: Local, item: Value, names: frozenset[str]) -> None:
    scope["item"] = item
    if isinstance(item, dict):
        for name in names:
            if name in item:
                scope[name] = item[name]
            elif name != "item":
                scope.pop(name, None)
    else:
        for name in names:
            if name != "item":
                scope.pop(name, None)

"""List functions (DMN 1.5 §10.3.4.4) and Camunda 8's additions."""

from __future__ import annotations

import operator
from decimal import Decimal
from functools import cmp_to_key

from bpmn.feel.functions import call
from bpmn.feel.library.registry import Unfit, builtin, variadic
from bpmn.feel.limits import check_size, spend
from bpmn.feel.operations import Order, compare, equal
from bpmn.feel.values import CONTEXT, EXACT_INTEGER, FUNCTIONS, NUMBERS, TEMPORALS, Value, decimal, type_name


@builtin("list contains", "list: list, element: any")
def list_contains(items: list[Value], element: Value) -> bool:
    """Whether an element equals it."""
    return any(equal(item, element) is True for item in items)


@builtin("count", "list: list")
def count(items: list[Value]) -> int:
    """Its number of elements."""
    return len(items)


def _extreme(items: list[Value], order: Order) -> Value:
    best: Value = None
    for index, item in enumerate(items):
        if index == 0:
            if compare(item, item, operator.le) is None:
                raise Unfit(f"Expected values that have an order, but there is a {type_name(item)}.")
            best = item
            continue
        better = compare(item, best, order)
        if better is None:
            raise Unfit(f"Expected values of one type, but there are a {type_name(item)} and a {type_name(best)}.")
        if better:
            best = item
    return best


@builtin("min", "list: list", spread=True)
def minimum(items: list[Value]) -> Value:
    """The smallest."""
    return _extreme(items, operator.lt)


@builtin("max", "list: list", spread=True)
def maximum(items: list[Value]) -> Value:
    """The greatest."""
    return _extreme(items, operator.gt)


def _numbers(items: list[Value]) -> list[Decimal]:
    for item in items:
        if type(item) not in NUMBERS:
            raise Unfit(f"Expected numbers, but there is a {type_name(item)}.")
    return [decimal(item) for item in items]


def _total(numbers: list[Decimal]) -> Decimal:
    total = Decimal(0)
    for number in numbers:
        total = CONTEXT.add(total, number)
    return total


@builtin("sum", "list: list", spread=True)
def total(items: list[Value]) -> Value:
    """The sum of its numbers; null if there are none."""
    if not items:
        return None
    if all(type(item) is int for item in items):
        whole = sum(items)
        if abs(whole) < EXACT_INTEGER:
            return whole
    return _total(_numbers(items))


@builtin("product", "list: list", spread=True)
def product(items: list[Value]) -> Decimal | None:
    """The product of its numbers; null if there are none."""
    result = Decimal(1)
    for number in _numbers(items):
        result = CONTEXT.multiply(result, number)
    return result if items else None


@builtin("mean", "list: list", spread=True)
def mean(items: list[Value]) -> Decimal | None:
    """The average of its numbers."""
    return CONTEXT.divide(_total(_numbers(items)), Decimal(len(items))) if items else None


@builtin("median", "list: list", spread=True)
def median(items: list[Value]) -> Decimal | None:
    """The number in the middle, or the mean of the two there."""
    if not items:
        return None
    ordered, middle = sorted(_numbers(items)), len(items) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return CONTEXT.divide(CONTEXT.add(ordered[middle - 1], ordered[middle]), Decimal(2))


@builtin("stddev", "list: list", spread=True)
def standard_deviation(items: list[Value]) -> Decimal | None:
    """The sample standard deviation."""
    if len(items) < 2:
        return None
    numbers = _numbers(items)
    average = CONTEXT.divide(_total(numbers), Decimal(len(numbers)))
    squares = [CONTEXT.power(CONTEXT.subtract(number, average), Decimal(2)) for number in numbers]
    return CONTEXT.sqrt(CONTEXT.divide(_total(squares), Decimal(len(numbers) - 1)))


@builtin("mode", "list: list", spread=True)
def mode(items: list[Value]) -> list[Value]:
    """The most frequent numbers, ascending."""
    frequency: dict[Decimal, int] = {}
    for number in _numbers(items):
        frequency[number] = frequency.get(number, 0) + 1
    most = max(frequency.values(), default=0)
    return sorted(number for number, times in frequency.items() if times == most)


def _three_valued(items: list[Value], decisive: bool) -> bool | None:
    result: bool | None = not decisive
    for item in items:
        if type(item) is bool and item is decisive:
            return decisive
        if type(item) is not bool:
            result = None
    return result


@builtin("all", "list: list", spread=True)
def every(items: list[Value]) -> bool | None:
    """False if one is false, else null if one is no truth value, else true."""
    return _three_valued(items, False)


@builtin("any", "list: list", spread=True)
def some(items: list[Value]) -> bool | None:
    """True if one is true, else null if one is no truth value, else false."""
    return _three_valued(items, True)


builtin("and", "list: list", spread=True)(every)
builtin("or", "list: list", spread=True)(some)


def _place(items: list[Value], position: int) -> int:
    if position == 0 or abs(position) > len(items):
        raise Unfit(f"Expected a position up to {len(items)}, but it is {position}.")
    return position - 1 if position > 0 else len(items) + position


@builtin("sublist", "list: list, start position: integer, length?: integer")
def sublist(items: list[Value], start: int, length: int | None) -> list[Value]:
    """From a position, counted from 1 or from the end."""
    begin = _place(items, start)
    if length is None:
        return items[begin:]
    if length < 1 or begin + length > len(items):
        raise Unfit(f"Expected a length that the list has, but it is {length}.")
    return items[begin : begin + length]


def _list(value: Value) -> list[Value]:
    if value is None:
        raise Unfit("Expected a list, but it is null.")
    return value if type(value) is list else [value]


@variadic("append")
def append(arguments: list[Value]) -> list[Value]:
    """The list with the other arguments at its end."""
    if len(arguments) < 2:
        raise Unfit("Expected a list and what to append, but there is only one argument.")
    return _list(arguments[0]) + arguments[1:]


@variadic("concatenate")
def concatenate(arguments: list[Value]) -> list[Value]:
    """All lists in one."""
    parts = [_list(argument) for argument in arguments]
    check_size(sum(map(len, parts)))
    return [item for part in parts for item in part]


def _distinct(items: list[Value]) -> list[Value]:
    kept: list[Value] = []
    seen: set[tuple[type, Value]] = set()
    for item in items:
        kind = Decimal if type(item) in NUMBERS else type(item)
        if kind in (Decimal, str, bool) or kind in TEMPORALS or item is None:
            key = kind, decimal(item) if kind is Decimal else item
            if key not in seen:
                seen.add(key)
                kept.append(item)
            continue
        spend(len(kept))
        if not any(equal(item, other) is True for other in kept):
            kept.append(item)
    return kept


@variadic("union")
def union(arguments: list[Value]) -> list[Value]:
    """All lists in one, each value once."""
    return _distinct(concatenate(arguments))


@builtin("distinct values", "list: list")
def distinct_values(items: list[Value]) -> list[Value]:
    """Each value once."""
    return _distinct(items)


@builtin("duplicate values", "list: list")
def duplicate_values(items: list[Value]) -> list[Value]:
    """Camunda 8: the values that occur more than once."""
    spend(len(items) * len(items) // 8)
    return _distinct([item for index, item in enumerate(items)
                      if any(equal(item, other) is True for other in items[:index])])


@builtin("insert before", "list: list, position: integer, newItem: any")
def insert_before(items: list[Value], position: int, item: Value) -> list[Value]:
    """With a new element before a position."""
    place = _place(items, position)
    return [*items[:place], item, *items[place:]]


@builtin("remove", "list: list, position: integer")
def remove(items: list[Value], position: int) -> list[Value]:
    """Without the element at a position."""
    place = _place(items, position)
    return items[:place] + items[place + 1 :]


@builtin("list replace", "list: list, position: integer, newItem: any", "list: list, match: function, newItem: any")
def list_replace(items: list[Value], which: Value, item: Value) -> list[Value]:
    """With the element at a position, or those that a function picks, replaced."""
    if type(which) not in FUNCTIONS:
        place = _place(items, which)
        return [*items[:place], item, *items[place + 1 :]]
    result: list[Value] = []
    for old in items:
        picked = call(which, [old, item])
        if type(picked) is not bool:
            raise Unfit(f"Expected the function to give true or false, but it gave a {type_name(picked)}.")
        result.append(item if picked else old)
    return result


@builtin("reverse", "list: list")
def reverse(items: list[Value]) -> list[Value]:
    """Back to front."""
    return items[::-1]


@builtin("index of", "list: list, match: any")
def index_of(items: list[Value], match: Value) -> list[Value]:
    """The positions of the elements that equal it."""
    return [index for index, item in enumerate(items, 1) if equal(item, match) is True]


@builtin("flatten", "list: list")
def flatten(items: list[Value]) -> list[Value]:
    """Inner lists replaced by their elements."""
    spend(len(items))
    result: list[Value] = []
    for item in items:
        if type(item) is list:
            result.extend(flatten(item))
        else:
            result.append(item)
    check_size(len(result))
    return result


@builtin("sort", "list: list, precedes: function", "list: list")
def sort(items: list[Value], precedes: Value = None) -> list[Value]:
    """In the order that a function says, or ascending."""

    def order(one: Value, two: Value) -> int:
        if precedes is None:
            return -1 if compare(one, two, operator.lt) else 1 if compare(two, one, operator.lt) else 0
        return -1 if call(precedes, [one, two]) is True else 1 if call(precedes, [two, one]) is True else 0

    return sorted(items, key=cmp_to_key(order))


@builtin("partition", "list: list, size: integer")
def partition(items: list[Value], size: int) -> list[Value]:
    """Camunda 8: lists of at most that size."""
    if size < 1:
        raise Unfit(f"Expected a size of at least 1, but it is {size}.")
    return [items[index : index + size] for index in range(0, len(items), size)]


@builtin("is empty", "list: list")
def is_empty(items: list[Value]) -> bool:
    """Camunda 8: whether it has no elements."""
    return not items

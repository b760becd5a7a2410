"""Conditions on the variables of instances, and the values that a list shows of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Float,
    Select,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    literal_column,
    null,
    select,
    union_all,
)

from engine import masking, schema
from engine.columns import to_json
from engine.database import Database, by_code_points
from engine.errors import InvalidInput
from engine.live import LOOKUP_LENGTH, has_value, lookup
from engine.wording import whatever_case

if TYPE_CHECKING:
    from engine.engine import Engine

_v = schema.variables.c

OPERATORS = ("eq", "neq", "lt", "lte", "gt", "gte", "contains", "exists", "null")
"""What a condition can say. `exists` and `null` take no value."""
WITHOUT_VALUE = frozenset({"exists", "null"})

LONG_ONES = 10_000
"""No more long values are read to look for a text in them while somebody waits for a page."""
MOST_NAMES = 10_000
_name = select(func.min(_v.name).label("name")).cte("names", recursive=True)
_name = _name.union_all(
    select(select(func.min(_v.name)).where(_v.name > _name.c.name).correlate(_name).scalar_subquery())
    .where(_name.c.name.is_not(None)))
_NAMES = select(_name.c.name).where(_name.c.name.is_not(None)).limit(MOST_NAMES + 1)


@dataclass(frozen=True, slots=True)
class VariableCondition:
    """A variable of an instance, in any of its scopes, whose value is like this.

    `operator` is one of `OPERATORS`. Values are equal exactly, with their types; a number is ordered among numbers and
    a text among texts (by the first 60 characters), what has another type fits no order. `contains` looks into the
    JSON text of the value, whatever its case. A variable that is not there fits nothing, not even `neq`.
    """

    name: str
    operator: str = "exists"
    value: Any = None


def having(condition: VariableCondition, connection: Connection, *,
           hasty: bool = False) -> Select[int] | CompoundSelect[int]:
    """The keys of the instances that have such a variable, some of them several times, found by an index; where a text
    contains another one, by reading that index from end to end, and what is too long for it: if `hasty`, no more than
    `LONG_ONES` of the newest instances.

    Raises InvalidInput for an unknown operator, or a value that cannot be compared so.
    """
    found = select(_v.instance_key).where(_v.name == condition.name)
    meant = like(condition, connection)
    if condition.operator == "neq":
        # What is not equal is less or more, and few may be: an index has both, but not what is unequal.
        same, equal = lookup(condition.value), has_value(condition.value)
        return union_all(found.where(_v.lookup < same), found.where(_v.lookup > same), found.where(_v.lookup.is_(None)),
                         found.where(_v.lookup == same, ~equal))
    if condition.operator in ORDERS and isinstance(condition.value, str):
        first, last = _around(to_json(condition.value)[1:-1][:_COMPARED])
        upwards = condition.operator in ("gt", "gte")
        found = found.where(_v.lookup >= (first if upwards else '"'), _v.lookup <= ("#" if upwards else last))
        return found.where(*meant).order_by(_v.lookup)
    if condition.operator == "contains":
        return _containing(condition, connection, hasty)
    # In the order of the index that is meant: PostgreSQL might take another one, and read all that have the name.
    return found.where(*meant).order_by(_NUMBER) if condition.operator in ORDERS else found.where(*meant)


def _containing(condition: VariableCondition, connection: Connection, hasty: bool) -> CompoundSelect[int]:
    """What is short is in the index; of what is cut off there, or not there at all, the rows are read."""
    found = select(_v.instance_key).where(_v.name == condition.name)
    whole = func.length(_v.lookup) < LOOKUP_LENGTH
    meant = like(condition, connection)
    read = found.where(_CUT, *meant)
    if hasty:
        some = long_ones(condition).add_columns(and_(*meant).label("fits")).limit(LONG_ONES).subquery("some")
        read = select(some.c.instance_key).where(some.c.fits)
    return union_all(found.where(whatever_case(_v.lookup, to_json(condition.value)[1:-1], connection), whole), read)


def long_ones(condition: VariableCondition) -> Select[int]:
    """The instances whose variable of this name an index has no more than the beginning of, the newest first."""
    return select(_v.instance_key).where(_v.name == condition.name, _CUT).order_by(_v.instance_key.desc())


def _around(text: str) -> tuple[str, str]:
    """Between which values that are looked up by all texts are that begin like this one, or with less of it."""
    short = next((text[:index] + '"' for index, sign in enumerate(text) if sign < '"'), text + chr(0x10FFFF))
    return f'"{text}', f'"{short}'


def like(condition: VariableCondition, connection: Connection, *,
         by_index: bool = True) -> tuple[ColumnElement[bool], ...]:
    """What a condition asks of a row of variables.

    Without `by_index` it is said so that the index of names and values is not used: of one instance's variables, say.
    Raises InvalidInput for an unknown operator, or a value that cannot be compared so.
    """
    if condition.operator != "exists":
        masking.check_search(condition.name, condition.value)
    name = (_v.name if by_index else _v.name.concat("")) == condition.name
    value = condition.value
    match condition.operator:
        case "exists":
            return (name,)
        case "null":
            return name, has_value(None, by_index=by_index)
        case "eq":
            return name, has_value(value, by_index=by_index)
        case "neq":
            return name, _v.lookup.is_(None) | ~has_value(value, by_index=False)
        case "contains":
            if not isinstance(value, str) or not value:
                raise InvalidInput(f"Expected a text that {condition.name!r} contains, but found {value!r}.")
            return name, cast(_v.value, Text).icontains(to_json(value)[1:-1], autoescape=True), *_nothing_hidden()
        case operator if operator in ORDERS:
            return name, ORDERS[operator](*_ordered(condition, connection))
    raise InvalidInput(f"Expected one of {', '.join(OPERATORS)} for {condition.name!r}, "
                       f"but found {condition.operator!r}.")


def _nothing_hidden() -> list[ColumnElement[bool]]:
    """A list or an object has nothing in it that is hidden, for whoever may not find it."""
    mask = masking.of_searches()
    pattern = mask.inside_json() if mask is not None else ""
    # Plain values are looked up by their texts, and their own names say whether they are hidden.
    return [_v.lookup.is_not(None) | ~cast(_v.value, Text).regexp_match(pattern)] if pattern else []


ORDERS: Mapping[str, Callable[[ColumnElement[Any], ColumnElement[Any]], ColumnElement[bool]]] = {
    "lt": lambda left, right: left < right, "lte": lambda left, right: left <= right,
    "gt": lambda left, right: left > right, "gte": lambda left, right: left >= right,
}
_NUMBER: ColumnElement[float] = literal_column(f"({schema.NUMBER})", Float(53))
_CUT: ColumnElement[bool] = literal_column(f"({schema.CUT})")
"""Written out, as in the indexes of numbers and of what is cut off."""
_COMPARED = 60
"""Of texts: less than what is kept for looking up, even if each of the last characters was written as two."""


def _ordered(condition: VariableCondition, connection: Connection) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """The two sides of an order. NULL, which fits nothing, where the value is of another type."""
    value = condition.value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _NUMBER, literal(float(value), Float(53))
    if isinstance(value, str):
        is_text, inside = func.substr(_v.lookup, 1, 1) == '"', func.length(_v.lookup) - 2
        compared = case((~is_text, null()), (inside < _COMPARED, func.substr(_v.lookup, 2, inside)),
                        else_=func.substr(_v.lookup, 2, _COMPARED))
        return by_code_points(compared, connection), literal(to_json(value)[1:-1][:_COMPARED], Text())
    raise InvalidInput(f"Expected a number or a text to compare {condition.name!r} with, but found {to_json(value)}.")


def names(database: Database) -> Sequence[str]:
    """The names of all variables that there are, by as many looks into an index. Raises InvalidInput for too many."""
    with database.read() as connection:
        found = connection.scalars(_NAMES).all()
    if len(found) > MOST_NAMES:
        raise InvalidInput(f"Expected at most {MOST_NAMES:,} names of variables to look for a value of any name, but "
                           "there are more. Name the variable.")
    return found


def names_from(connection: Connection, edge: str | None, most: int, *, descending: bool) -> list[str] | None:
    """The names of all variables that there are, in the order of the database, from `edge` on; None if they are more
    than `most`."""
    wanted = select(_name.c.name).where(_name.c.name.is_not(None))
    if edge is not None:
        wanted = wanted.where(_name.c.name <= edge if descending else _name.c.name >= edge)
    found = [*connection.scalars(wanted.limit(most + 1))]
    if len(found) > most:
        return None
    return found[::-1] if descending else found


def values_of(engine: Engine, keys: Collection[int], names: Collection[str]) -> dict[int, dict[str, Any]]:
    """The values of some variables of some instances, those of the instances themselves, not of inner scopes."""
    found: dict[int, dict[str, Any]] = defaultdict(dict)
    if not keys or not names:
        return found
    statement = select(_v.instance_key, _v.name, _v.value).where(
        _v.instance_key.in_(list(keys)), _v.scope_key == _v.instance_key, _v.name.in_(list(names)))
    with engine.read() as connection:
        for key, name, value in connection.execute(statement):
            found[key][name] = masking.shown(value, name)
    return found

"""Searches that a caller composes: criteria on named fields, an order, and a part of what is found.

A `Searchable` says which fields a kind of thing has. Parts are found by offset, or by a cursor: the place of a row in
the order, so that pages neither skip nor repeat rows when others come and go meanwhile.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    and_,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
)

from engine.columns import UtcDateTime, from_json, to_json
from engine.database import Database
from engine.errors import InvalidInput
from engine.queries import paging
from engine.queries.paging import COUNTED, MAX_LIMIT
from engine.states import ElementState, JobState
from engine.wording import like

if TYPE_CHECKING:
    from engine.engine import Engine

Item = TypeVar("Item")

VERY_MANY = 50_000
"""More than these are not sorted to show the first of them."""


@dataclass(frozen=True, slots=True)
class Criterion:
    """One condition: `operator` is one of `OPERATORS`, or one that the field itself understands."""

    field: str
    operator: str
    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """All of `criteria`, and all of the criteria of at least one of `alternatives` if there are any.

    `sort` are fields, each with whether it is descending. `after` and `before` are cursors of an earlier `Found`.
    """

    criteria: Sequence[Criterion] = ()
    alternatives: Sequence[Sequence[Criterion]] = ()
    sort: Sequence[tuple[str, bool]] = ()
    limit: int = 100
    offset: int = 0
    after: str | None = None
    before: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found(Generic[Item]):
    """A part of what was found. `total` is exact unless `more` says that there are more than that."""

    items: tuple[Item, ...]
    total: int
    more: bool
    first: str | None
    last: str | None


Keys = Callable[["Engine", Connection, "Searchable[Any]", Search, Sequence[int] | None], list[int] | None]
"""Gives the keys of the part that a search asks for, or None for one that it does not know. It is told the keys of all
that match, if they are no more than `COUNTED`."""
Special = Callable[[Database, Criterion], ColumnElement[bool]]
"""A field that is no column: makes the condition itself."""


@dataclass(frozen=True, kw_only=True)
class Searchable(Generic[Item]):
    """A kind of thing: the statement whose rows become `make`, its key column and its fields."""

    statement: Select[Any]
    make: type[Item]
    key: ColumnElement[Any]
    fields: Mapping[str, ColumnElement[Any]]
    special: Mapping[str, Special] = field(default_factory=dict)
    frequent: Mapping[str, ColumnElement[Any]] = field(default_factory=dict)
    """Fields as they are said where more than `VERY_MANY` match: not by their index, so that rows are read in the order
    of the search until its part is full, instead of sorting all that match."""
    order: Sequence[tuple[str, bool]] = ()
    """The sort of a search that names none; always followed by the key."""
    keys: Keys | None = None
    """Finds a part in a way of its own, if it can."""

    def where(self, database: Database, criteria: Sequence[Criterion]) -> list[ColumnElement[bool]]:
        """The conditions that criteria stand for. Raises InvalidInput for an unknown field or operator."""
        return [self._condition(database, criterion) for criterion in criteria]

    def _condition(self, database: Database, criterion: Criterion) -> ColumnElement[bool]:
        special = self.special.get(criterion.field)
        if special is not None:
            return special(database, criterion)
        column = self.fields.get(criterion.field)
        if column is None:
            raise InvalidInput(f"Expected a field that can be searched, but found {criterion.field!r}.")
        return condition(column, criterion)


def search(engine: Engine, what: Searchable[Item], query: Search) -> Found[Item]:
    """The things that match. Raises InvalidInput for an unknown field, operator or cursor."""
    order = _order(what, query.sort)
    conditions = _conditions(engine.database, what, query)
    every = lean(what, conditions)
    with engine.read() as connection:
        keys: Sequence[int] | None = None
        if what.keys is not None:
            few = connection.scalars(every.limit(COUNTED + 1)).all()
            total = len(few)
            keys = what.keys(engine, connection, what, query, few if total <= COUNTED else None)
        else:
            total = connection.scalar(select(func.count()).select_from(every.limit(COUNTED + 1).subquery())) or 0
        if keys is None:
            if total > COUNTED and any(criterion.field in what.frequent for criterion in query.criteria):
                many = select(func.count()).select_from(every.limit(VERY_MANY + 1).subquery())
                if (connection.scalar(many) or 0) > VERY_MANY:
                    conditions = _conditions(
                        engine.database, replace(what, fields={**what.fields, **what.frequent}), query)
            # What is written of each row is not made of all that are sorted.
            matching = lean(what, conditions, *(column for column, _ in order))
            keys = connection.scalars(_part(matching, order, query)).all()
        rows = _rows(connection, what, order, keys)
    if query.before is not None:
        rows = rows[::-1]
    places = [f"_place{index}" for index in range(len(order))]
    apart = {*places, "_key"}
    cursors = [[row[place] for place in places] for row in (*rows[:1], *rows[-1:])]
    return Found(
        items=tuple(what.make(**{str(name): row[name] for name in row if name not in apart}) for row in rows),
        total=min(total, COUNTED), more=total > COUNTED,
        first=_written(cursors[0]) if cursors else None, last=_written(cursors[-1]) if cursors else None,
    )


def search_all(engine: Engine, what: Searchable[Item], query: Search) -> Iterator[Item]:
    """Everything that matches, however much it is, in the order of the search. Raises InvalidInput as `search`."""
    last, size = query.after, MAX_LIMIT
    while size == MAX_LIMIT:
        part = search(engine, what, replace(query, limit=MAX_LIMIT, after=last))
        yield from part.items
        last, size = part.last, len(part.items)


def lean(what: Searchable[Any], conditions: Sequence[ColumnElement[bool]], *by: ColumnElement[Any]) -> Select[Any]:
    """The keys of what matches, of the one table if nothing is asked of another that is joined to it."""
    return paging.lean(what.statement, what.key, conditions, *by)


def _rows(connection: Connection, what: Searchable[Any], order: Sequence[tuple[ColumnElement[Any], bool]],
          keys: Sequence[int]) -> list[RowMapping]:
    """What is shown of some, in the order of their keys, and their places in the order of a search."""
    places = (column.label(f"_place{i}") for i, (column, _) in enumerate(order))
    return paging.in_order(connection, what.statement.add_columns(*places), what.key, keys)


def beyond(what: Searchable[Any], query: Search) -> tuple[ColumnElement[bool], list[Any]]:
    """Whether something comes after the place where a search goes on, or before the one where it goes back; and what
    that place is sorted by, its key the last. Raises InvalidInput for a cursor that is none."""
    order, backward = _order(what, query.sort), query.before is not None
    place = _read((query.before if backward else query.after) or "", order)
    return _beyond(order, place, backward), place


def _conditions(database: Database, what: Searchable[Any], query: Search) -> list[ColumnElement[bool]]:
    conditions = what.where(database, query.criteria)
    if query.alternatives:
        conditions.append(or_(*(and_(*what.where(database, each)) for each in query.alternatives)))
    return conditions


def count(engine: Engine, what: Searchable[Any], criteria: Sequence[Criterion]) -> int:
    """How many things match, exactly. Raises InvalidInput for an unknown field or operator."""
    matching = lean(what, what.where(engine.database, criteria))
    with engine.read() as connection:
        return connection.scalar(select(func.count()).select_from(matching.subquery())) or 0


def one(engine: Engine, what: Searchable[Item], key: int) -> Item | None:
    """The thing with this key."""
    with engine.read() as connection:
        row = connection.execute(what.statement.where(what.key == key)).mappings().one_or_none()
    return None if row is None else what.make(**{str(name): row[name] for name in row})


def condition(column: ColumnElement[Any], criterion: Criterion) -> ColumnElement[bool]:
    """A column compared as a criterion says. Raises InvalidInput for an unknown operator."""
    compare = OPERATORS.get(criterion.operator)
    if compare is None:
        raise InvalidInput(f"Expected one of {', '.join(OPERATORS)} for {criterion.field!r}, "
                           f"but found {criterion.operator!r}.")
    if criterion.operator == "eq" and criterion.value in OPEN_STATES and getattr(column, "key", None) == "state":
        return column == literal_column(f"'{OPEN_STATES[criterion.value]}'")
    return compare(column, criterion.value)


def _in(column: ColumnElement[Any], values: Sequence[Any]) -> ColumnElement[bool]:
    return column.in_(values) if values else false()


def _like(column: ColumnElement[Any], pattern: str) -> ColumnElement[bool]:
    # The databases do not agree about case; so that they do, it never matters.
    return like(column, _sql_pattern(pattern))


def _sql_pattern(pattern: str) -> str:
    """`*` stands for any text, `?` for one character; a backslash takes the meaning from what follows."""
    made, quoted = "", False
    for character in pattern:
        if not quoted and character == "\\":
            quoted = True
        elif not quoted and character in "*?":
            made += "%" if character == "*" else "_"
        else:
            made += f"\\{character}" if character in "%_\\" else character
            quoted = False
    return made + ("\\\\" if quoted else "")


OPEN_STATES = {state.value: state.value for state in (ElementState.ACTIVE, JobState.CREATED)}
"""Written out, as in the indexes of what is open: they serve no statement that only binds a state."""

OPERATORS: Mapping[str, Callable[[ColumnElement[Any], Any], ColumnElement[bool]]] = {
    "eq": lambda column, value: column.is_(None) if value is None else column == value,
    "neq": lambda column, value: column.is_distinct_from(value),
    "exists": lambda column, value: column.is_not(None) if value else column.is_(None),
    "in": _in,
    "not_in": lambda column, values: column.not_in(values) | column.is_(None),
    "like": _like,
    # As literals, because SQLAlchemy does not let plain booleans be ordered.
    "gt": lambda column, value: column > literal(value, column.type),
    "gte": lambda column, value: column >= literal(value, column.type),
    "lt": lambda column, value: column < literal(value, column.type),
    "lte": lambda column, value: column <= literal(value, column.type),
}


def _order(what: Searchable[Any], sort: Sequence[tuple[str, bool]]) -> list[tuple[ColumnElement[Any], bool]]:
    order = []
    for name, descending in sort or what.order:
        column = what.fields.get(name)
        if column is None:
            raise InvalidInput(f"Expected to sort by one of {', '.join(what.fields)}, but found {name!r}.")
        order.append((column, descending))
    return [*order, (what.key, bool(sort) and sort[-1][1])]


def _part(matching: Select[Any], order: list[tuple[ColumnElement[Any], bool]], query: Search) -> Select[Any]:
    backward = query.before is not None
    cursor = query.before if backward else query.after
    statement = matching
    if cursor is not None:
        statement = statement.where(_beyond(order, _read(cursor, order), backward))
    for column, descending in order:
        if _may_be_null(column):
            # The databases put nulls at different ends; here they are always last.
            empty = column.is_(None)
            statement = statement.order_by(empty.desc() if backward else empty)
        statement = statement.order_by(column.desc() if descending != backward else column)
    return statement.limit(min(query.limit, MAX_LIMIT)).offset(query.offset if cursor is None else 0)


def _beyond(order: list[tuple[ColumnElement[Any], bool]], place: list[Any], backward: bool) -> ColumnElement[bool]:
    """Whether a row comes after the place (before it, if `backward`)."""
    cases = []
    same: list[ColumnElement[bool]] = []
    for (column, descending), value in zip(order, place, strict=True):
        cases.append(and_(*same, _further(column, value, descending != backward, backward)))
        same.append(column.is_(None) if value is None else column == value)
    return or_(*cases)


def _may_be_null(column: ColumnElement[Any]) -> bool:
    # Said of a column that never is, it would keep an index on the column from giving the order.
    return not (isinstance(column, Column) and not column.nullable)


def _further(column: ColumnElement[Any], value: Any, down: bool, backward: bool) -> ColumnElement[bool]:
    if value is None:
        return column.is_not(None) if backward else false()
    edge = literal(value, column.type)
    beyond = column < edge if down else column > edge
    return beyond if backward or not _may_be_null(column) else or_(beyond, column.is_(None))


def _written(place: list[Any]) -> str:
    return base64.b64encode(to_json(place).encode()).decode()


def _read(cursor: str, order: list[tuple[ColumnElement[Any], bool]]) -> list[Any]:
    try:
        place = from_json(base64.b64decode(cursor, validate=True))
        if not isinstance(place, list) or len(place) != len(order):
            raise ValueError
        return [_typed(value, column) for value, (column, _) in zip(place, order, strict=True)]
    except (ValueError, TypeError, binascii.Error, msgspec.DecodeError):
        raise InvalidInput("Expected a cursor that an earlier search with the same sort gave, "
                           f"but found {cursor!r}.") from None


def _typed(value: Any, column: ColumnElement[Any]) -> Any:
    if value is None:
        return None
    if isinstance(column.type, UtcDateTime):
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError
        return moment
    if not isinstance(value, column.type.python_type):
        raise ValueError
    return value

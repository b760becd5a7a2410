"""Parts of long lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, CompoundSelect, Connection, RowMapping, Select, func, literal, select

Item = TypeVar("Item")

MAX_LIMIT = 1000

COUNTED = 10_000
"""Matches are counted up to here; beyond it is only known that there are more. So no count reads a million rows."""


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some rows of a list, and how many there are in all: exact unless `more` says that there are more than that, or
    that there may be, because only so many as `looked_through` were asked, those first that come first in the list."""

    items: tuple[Item, ...]
    total: int
    more: bool = False
    looked_through: int | None = None


def page(connection: Connection, statement: Select[Any], make: type[Item], limit: int, offset: int) -> Page[Item]:
    """The rows of a statement from `offset`, at most `limit`, each made into `make`."""
    total = count(connection, statement.with_only_columns(literal(1), maintain_column_froms=True))
    rows = connection.execute(statement.limit(min(limit, MAX_LIMIT)).offset(offset))
    return Page(tuple(make(**row._mapping) for row in rows), min(total, COUNTED), total > COUNTED)


def lean(rows: Select[Any], key: ColumnElement[int], where: Sequence[ColumnElement[bool]],
         *by: ColumnElement[Any]) -> Select[Any]:
    """The keys of the `rows` that match, of their one table if nothing is asked of another that is joined to it."""
    alone = select(key).where(*where)
    # What is joined is there: each row belongs to a row of it.
    if len(alone.add_columns(*by).get_final_froms()) == 1:
        return alone
    return rows.where(*where).with_only_columns(key)


def in_order(connection: Connection, rows: Select[Any], key: ColumnElement[int],
             keys: Sequence[int]) -> list[RowMapping]:
    """The `rows` with these keys, in the order of the keys, each with its own as `_key`."""
    if not keys:
        return []
    statement = rows.add_columns(key.label("_key")).where(key.in_(keys))
    by_key = {row["_key"]: row for row in connection.execute(statement).mappings()}
    return [by_key[each] for each in keys if each in by_key]


def page_of(connection: Connection, rows: Select[Any], key: ColumnElement[int], make: type[Item], *,
            where: Sequence[ColumnElement[bool]], order: Sequence[ColumnElement[Any]], limit: int,
            offset: int) -> Page[Item]:
    """The same, of the `rows` that match, in an order: their keys are found first, in their own table if nothing is
    asked of another one, and what is written of a row is read of those of the page only."""
    matching = lean(rows, key, where, *order)
    total = count(connection, matching)
    keys = connection.scalars(matching.order_by(*order).limit(min(limit, MAX_LIMIT)).offset(offset)).all()
    items = tuple(make(**{str(name): row[name] for name in row if name != "_key"})
                  for row in in_order(connection, rows, key, keys))
    return Page(items, min(total, COUNTED), total > COUNTED)


def count(connection: Connection, matching: Select[Any] | CompoundSelect[Any], most: int | None = None) -> int:
    """How many rows a statement has; one more than `most` (`COUNTED`) if there are more than that."""
    return count_in_order(connection, matching.order_by(None), most)


def count_in_order(connection: Connection, ordered: Select[Any] | CompoundSelect[Any], most: int | None = None) -> int:
    """The same, counted in the order of the statement, which leads to an index."""
    limited = ordered.limit((COUNTED if most is None else most) + 1).subquery()
    return connection.scalar(select(func.count()).select_from(limited)) or 0

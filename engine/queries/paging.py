"""Parts of long lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import CompoundSelect, Connection, Select, func, literal, select

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


def count(connection: Connection, matching: Select[Any] | CompoundSelect[Any], most: int | None = None) -> int:
    """How many rows a statement has; one more than `most` (`COUNTED`) if there are more than that."""
    return count_in_order(connection, matching.order_by(None), most)


def count_in_order(connection: Connection, ordered: Select[Any] | CompoundSelect[Any], most: int | None = None) -> int:
    """The same, counted in the order of the statement, which leads to an index."""
    limited = ordered.limit((COUNTED if most is None else most) + 1).subquery()
    return connection.scalar(select(func.count()).select_from(limited)) or 0

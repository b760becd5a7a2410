"""Parts of long lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, Select, func, select

Item = TypeVar("Item")

MAX_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some rows of a list, and how many there are in all."""

    items: tuple[Item, ...]
    total: int


def page(connection: Connection, statement: Select[Any], make: type[Item], limit: int, offset: int) -> Page[Item]:
    """The rows of a statement from `offset`, at most `limit`, each made into `make`."""
    total = connection.scalar(select(func.count()).select_from(statement.order_by(None).subquery()))
    rows = connection.execute(statement.limit(min(limit, MAX_LIMIT)).offset(offset))
    return Page(tuple(make(**row._mapping) for row in rows), total or 0)

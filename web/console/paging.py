"""A page of a list: its rows, and where the pages beside it begin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from flask import request

from engine.queries import paging
from web.console import formatting

SIZE = 50
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some rows of a list, from `offset` on, out of `total`, or of more than that if `more`; only so many were asked as
    were `looked_through`, if that is said."""

    rows: Sequence[Item]
    total: int
    offset: int
    more: bool = False
    looked_through: int | None = None

    @property
    def in_all(self) -> str:
        """How many rows there are, to be read."""
        return formatting.number(self.total) + ("+" if self.more else "")

    @property
    def first(self) -> int:
        """Position of the first row, counted from one."""
        return self.offset + 1

    @property
    def last(self) -> int:
        """Position of the last row, counted from one."""
        return self.offset + len(self.rows)

    @property
    def previous_offset(self) -> int | None:
        """Where the page before begins, or None on the first."""
        return max(0, self.offset - SIZE) if self.offset else None

    @property
    def next_offset(self) -> int | None:
        """Where the next page begins, or None on the last."""
        goes_on = len(self.rows) == SIZE if self.more else self.last < self.total
        return self.offset + SIZE if goes_on else None


def offset() -> int:
    """Where the wanted page begins, from the address."""
    return min(max(0, request.args.get("offset", 0, type=int)), 2**31)


def page(found: paging.Page[Item]) -> Page[Item]:
    """A page that the engine found at the wanted offset."""
    return Page(found.items, found.total, offset(), found.more, found.looked_through)

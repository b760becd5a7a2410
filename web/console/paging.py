"""A page of a list: its rows, and where the pages beside it begin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from flask import request

from engine.queries import paging

SIZE = 50
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some rows of a list, from `offset` on, out of `total`."""

    rows: Sequence[Item]
    total: int
    offset: int

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
        return self.offset + SIZE if self.last < self.total else None


def offset() -> int:
    """Where the wanted page begins, from the address."""
    return min(max(0, request.args.get("offset", 0, type=int)), 2**31)


def page(found: paging.Page[Item]) -> Page[Item]:
    """A page that the engine found at the wanted offset."""
    return Page(found.items, found.total, offset())

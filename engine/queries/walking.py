"""Instances read in the order of an index until a page is full; and what is few, sorted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Subquery, and_, literal, select, true

from engine import schema
from engine.queries import merging
from engine.queries.narrowing import LOOKED_THROUGH, Narrowed
from engine.queries.paging import COUNTED, count
from engine.wording import must_be_led, not_by_index, one_of

_i = schema.instances.c

FIRST_LOOKED_THROUGH = 1_000
"""Most pages are full by then."""


@dataclass(slots=True)
class Asked:
    """What a page is made of: the instances that are meant, the direction and the moment. `cut` becomes True if rows
    are left out that only a `thorough` search finds."""

    connection: Connection
    meant: Narrowed
    descending: bool
    now: datetime
    thorough: bool
    cut: bool = False

    @property
    def wanted(self) -> list[ColumnElement[bool]]:
        """The conditions on each instance."""
        if self.meant.keys is not None:
            return [one_of(_i.key, self.meant.keys, self.connection)]
        return [*self.meant.columns, *self.meant.elsewhere]

    @property
    def few(self) -> bool:
        """Whether all are known by their keys."""
        return self.meant.keys is not None

    @property
    def hasty(self) -> bool:
        """Whether no more than some are asked what has to be looked up for each."""
        return bool(self.meant.elsewhere) and not self.thorough

    def of(self, meant: Narrowed) -> Asked:
        """The same for some of what is meant."""
        return Asked(self.connection, meant, self.descending, self.now, self.thorough)

    def plain(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        """A column by which nothing is found."""
        return not_by_index(column, self.connection)

    def turned(self, *by: ColumnElement[Any]) -> list[ColumnElement[Any]]:
        """Columns to sort by, in the direction that is asked for."""
        return [column.desc() if self.descending else column.asc() for column in by]


def fitting(asked: Asked, key: ColumnElement[Any], *, but_for_pairs: bool = False) -> ColumnElement[bool]:
    """Whether the instance with this key is meant; out of those of the pairs, if these are known."""
    wanted = [*asked.meant.others, *asked.meant.elsewhere] if but_for_pairs else asked.wanted
    if not wanted:
        return true()
    # Not EXISTS: PostgreSQL would read all instances first, to look each one up among them.
    return select(literal(1)).where(_i.key == key, *wanted).limit(1).scalar_subquery().is_not(None)


def walk(asked: Asked, by: Sequence[ColumnElement[Any]], there: ColumnElement[bool], plainly: ColumnElement[bool],
          limit: int, offset: int) -> list[int]:
    """The keys of those that match, in the order of an index, which has what is `there`."""
    if asked.meant.pairs is not None:
        return _merge(asked, by, there, plainly, limit, offset)
    order = asked.turned(*by, _i.key)
    if not asked.wanted or (not asked.hasty and not must_be_led(asked.connection)):
        return read(asked, select(_i.key).where(there, *asked.wanted).order_by(*order), limit, offset)
    such = [there, *_leading(asked, by)]
    most = LOOKED_THROUGH if asked.hasty else LOOKED_THROUGH + 2 * offset
    seen = select(_i.key, and_(true(), *asked.wanted).label("fits")).where(*such).order_by(*order)
    some = seen.limit(most).subquery()
    found = read(asked, select(some.c.key).where(some.c.fits), limit, offset)
    if len(found) == limit or count(asked.connection, select(_i.key).where(*such), most) <= most:
        return found
    return _rest(asked, by, plainly, found, limit, offset)


def _merge(asked: Asked, by: Sequence[ColumnElement[Any]], there: ColumnElement[bool], plainly: ColumnElement[bool],
           limit: int, offset: int) -> list[int]:
    """The same of those pairs only that are meant."""
    def seen(most: int) -> Subquery:
        return merging.merged(asked.connection, asked.meant.pairs or (), by, and_(there, *_leading(asked, by)),
                              descending=asked.descending, most=most)

    if not asked.meant.others and not asked.meant.elsewhere:
        return read(asked, select(seen(limit + offset).c.key), limit, offset)
    most = LOOKED_THROUGH if asked.hasty else LOOKED_THROUGH + 2 * offset
    for number in (min(FIRST_LOOKED_THROUGH, most), most):
        some = seen(number)
        fits = fitting(asked, some.c.key, but_for_pairs=True).label("fits")
        asked_each = select(some.c.key, fits).limit(number).subquery()
        found = read(asked, select(asked_each.c.key).where(asked_each.c.fits), limit, offset)
        if len(found) == limit or count(asked.connection, select(some.c.key), number) < number:
            return found
    return _rest(asked, by, plainly, found, limit, offset)


def _rest(asked: Asked, by: Sequence[ColumnElement[Any]], plainly: ColumnElement[bool], found: list[int], limit: int,
          offset: int) -> list[int]:
    """What is found by reading all and sorting them, if there is time for that."""
    if asked.hasty:
        asked.cut = True
        return found
    return read(asked, select(_i.key).where(plainly, *asked.meant.found_by, *asked.wanted).order_by(
        *asked.turned(*map(asked.plain, (*by, _i.key)))), limit, offset)


def _leading(asked: Asked, by: Sequence[ColumnElement[Any]]) -> list[ColumnElement[bool]]:
    """Conditions on what is sorted by; and the state, by an index that begins with it."""
    name = (by[0].key if by else "key") or ""
    found = [asked.meant.leading[name]] if name in asked.meant.leading else []
    if asked.meant.pairs is None and name in ("key", "started_at") and len(asked.meant.states) == 1:
        found.append(merging.in_state(asked.meant.states[0]))
    return found


def _few(asked: Asked, matching: Select[Any]) -> Select[Any]:
    # With its limit, the inner statement is not merged with the outer one: no index is followed for its order.
    few = matching.limit(COUNTED + 1).subquery()
    by: list[ColumnElement[Any]] = []
    for column in few.c:
        if column.name != "key":
            by += [column.is_(None), *asked.turned(column)]
    return select(few.c.key).order_by(*by, *asked.turned(few.c.key))


def by_value(asked: Asked, matching: Select[Any], limit: int, offset: int) -> list[int]:
    return read(asked, _few(asked, matching), limit, offset)


def passed(asked: Asked, there: ColumnElement[bool], offset: int) -> int:
    """How many match out of those that are `there` and that a page passes over."""
    if not offset:
        return 0
    meant = asked.meant
    if meant.pairs is None or meant.others or meant.elsewhere:
        return count(asked.connection, select(_i.key).where(there, *meant.found_by, *asked.wanted), offset)
    some = merging.merged(asked.connection, meant.pairs, (), there, descending=asked.descending, most=offset + 1)
    return count(asked.connection, select(some.c.key), offset)


def read(asked: Asked, ordered: Select[Any], limit: int, offset: int) -> list[int]:
    return list(asked.connection.scalars(ordered.limit(limit).offset(offset)))

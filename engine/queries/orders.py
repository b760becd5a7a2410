"""The orders of lists of instances.

Where few instances match, they are sorted. Where many do, the rows are read in the order of an index until the page is
full, so that a page of a million comes as fast as one of a hundred; if those that match are far down in that order, all
are read and sorted. What has nothing to be sorted by comes last, in both directions, on both databases.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    func,
    literal,
    literal_column,
    select,
    true,
    type_coerce,
)
from sqlalchemy.types import NullType

from engine import masking, schema
from engine.database import UtcDateTime
from engine.errors import InvalidInput
from engine.queries.conditions import ACTIVE, WORD_ACTIVE
from engine.queries.narrowing import LOOKED_THROUGH, Narrowed
from engine.queries.paging import COUNTED, count
from engine.wording import must_be_led, not_by_index, one_of

_i = schema.instances.c
_shown = schema.variables.alias("shown")
_s = _shown.c

VARIABLE = "variable:"
"""In front of the name of a variable that instances are sorted by."""

_TAGS: ColumnElement[Any] = literal_column(f"({schema.TAGS_TEXT})")
_TAGGED: ColumnElement[bool] = literal_column(f"({schema.TAGGED})")
_DURATION: ColumnElement[Any] = literal_column(f"({schema.DURATION})")
_NUMBER: ColumnElement[Any] = literal_column(f"({schema.NUMBER})")
"""Written out, as in the indexes."""


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

    def plain(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        """A column by which nothing is found."""
        return not_by_index(column, self.connection)

    def turned(self, *by: ColumnElement[Any]) -> list[ColumnElement[Any]]:
        """Columns to sort by, in the direction that is asked for."""
        return [column.desc() if self.descending else column.asc() for column in by]


Find = Callable[[Asked, int, int], list[int]]
"""Finds the keys of a page, of so many rows from an offset on."""


def keys(asked: Asked, name: str, limit: int, offset: int) -> list[int]:
    """The keys of a page in the order of `name`: one of `SORTS`, or `variable:` and the name of a variable.

    Raises InvalidInput for another order, and for a variable whose values are hidden.
    """
    variable = name.removeprefix(VARIABLE)
    if variable != name and variable:
        masking.check_search(variable)
        return _by_variable(asked, variable, limit, offset)
    if name not in SORTS:
        raise InvalidInput(f"Expected to sort by one of {', '.join(SORTS)} or {VARIABLE}NAME, but found {name[:60]!r}.")
    return SORTS[name](asked, limit, offset)


def _plain(*columns: ColumnElement[Any]) -> Find:
    """By what every instance has; an index begins with it."""
    def find(asked: Asked, limit: int, offset: int) -> list[int]:
        if asked.few:
            return _read(asked, select(_i.key).where(*asked.wanted).order_by(
                *asked.turned(*map(asked.plain, (*columns, _i.key)))), limit, offset)
        return _walk(asked, columns, true(), true(), limit, offset)
    return find


def _sparse(value: ColumnElement[Any], there: ColumnElement[bool],
            has: Callable[[Asked], ColumnElement[bool]] | None = None) -> Find:
    """By what some instances have. An index that has only them, or begins with it, finds what is `there`; `has` says
    the same in words that no index is found by."""
    def find(asked: Asked, limit: int, offset: int) -> list[int]:
        matching = select(_i.key, case((there, value)).label("value")).where(*asked.wanted)
        if asked.few:
            return _sorted(asked, matching, limit, offset)
        plainly = asked.plain(value).is_not(None) if has is None else has(asked)
        found = _those(asked, matching, there, plainly, limit, offset, (value,))
        if len(found) == limit or asked.cut:
            return found
        # Fewer than the offset, or the page would have begun here.
        offset = 0 if found else offset - _passed(asked, [there, *asked.wanted], offset)
        return found + _those(asked, matching, None, ~plainly, limit - len(found), offset, ())
    return find


def _by_end(asked: Asked, limit: int, offset: int) -> list[int]:
    """By when they ended, with those in flight at the end."""
    if asked.meant.phase is None:
        return _sparse(_i.ended_at, _i.ended_at.is_not(None))(asked, limit, offset)
    return _plain(*([_i.ended_at] if asked.meant.phase == "ended" else []))(asked, limit, offset)


def _by_duration(asked: Asked, limit: int, offset: int) -> list[int]:
    """How long it took, or takes so far. Those that ended and those in flight are two orders, put together."""
    now = literal(asked.now, UtcDateTime())
    so_far = now - _i.started_at
    if asked.few:
        length = func.coalesce(_i.ended_at, now) - _i.started_at
        return _sorted(asked, select(_i.key, length.label("value")).where(*asked.wanted), limit, offset)
    found: list[tuple[Any, int]] = []
    for length, there, plainly, by, turned in (
            (_DURATION, _i.ended_at.is_not(None), asked.plain(_i.ended_at).is_not(None), _DURATION, False),
            (so_far, ACTIVE, asked.plain(_i.state) == WORD_ACTIVE, _i.started_at, True)):
        if asked.meant.phase == ("ended" if turned else "live"):
            continue
        matching = select(_i.key, length.label("value")).where(*asked.wanted)
        of_part = Asked(asked.connection, asked.meant, asked.descending != turned, asked.now, asked.thorough)
        keys = _those(of_part, matching, there, plainly, limit + offset, 0, (by,))
        asked.cut |= of_part.cut
        lengths = select(type_coerce(length, NullType()), _i.key).where(one_of(_i.key, keys, asked.connection))
        found += ((row[0], row[1]) for row in asked.connection.execute(lengths))
    return [key for _length, key in sorted(found, reverse=asked.descending)[offset:offset + limit]]


def _by_variable(asked: Asked, name: str, limit: int, offset: int) -> list[int]:
    """Numbers by their size, then texts and the other plain values by their JSON text, then all other instances."""
    if asked.few:
        # Of the instance itself: the names of its inner scopes are not shown.
        own = and_(_s.instance_key == _i.key, _s.scope_key == _i.key, _s.name.concat("") == name)
        matching = select(_i.key, _NUMBER.label("value"), _s.lookup.label("text")).select_from(
            schema.instances.outerjoin(_shown, own))
        return _sorted(asked, matching.where(*asked.wanted), limit, offset)
    # PostgreSQL would expect few that are equal, and sort them all.
    mine = (_s.scope_key >= _s.instance_key, _s.scope_key <= _s.instance_key, _s.name == name)
    has = select(literal(1)).where(
        _s.instance_key == _i.key, _s.scope_key == _i.key, _s.name.concat("") == name, _s.lookup.is_not(None))
    other = and_(has.limit(1).scalar_subquery().is_(None), *asked.wanted)
    texts, words = ((_s.lookup < "-", _s.lookup), (_s.lookup > ":", _s.lookup))
    found: list[int] = []
    for such, by in ((_NUMBER.is_not(None), _NUMBER), *((words, texts) if asked.descending else (texts, words))):
        seen = select(_s.instance_key.label("key")).where(*mine, such).order_by(*asked.turned(by, _s.instance_key))
        offset = _more(asked, found, seen, _fitting(asked), limit, offset)
        if len(found) == limit or asked.cut:
            return found
    _more(asked, found, select(_i.key).order_by(*asked.turned(_i.key)), other, limit, offset)
    return found


def _fitting(asked: Asked) -> ColumnElement[bool]:
    """Whether the instance of a variable is meant."""
    if not asked.wanted:
        return true()
    # Not EXISTS: PostgreSQL would read all instances first, to look each variable up among them.
    return select(literal(1)).where(_i.key == _s.instance_key, *asked.wanted).limit(1).scalar_subquery().is_not(None)


def _more(asked: Asked, found: list[int], seen: Select[Any], fits: ColumnElement[bool], limit: int, offset: int) -> int:
    """Add those of a part that fit to what was found, and say by how many the next part begins later. Unless the search
    is thorough, no more than `LOOKED_THROUGH` of a part are asked."""
    matching, hasty = seen.where(fits), bool(asked.wanted) and not asked.thorough
    if hasty:
        some = seen.add_columns(fits.label("fits")).limit(LOOKED_THROUGH).subquery()
        matching = select(some.c.key).where(some.c.fits)
    page = _read(asked, matching, limit - len(found), offset)
    found += page
    if len(found) < limit and hasty:
        asked.cut = count(asked.connection, seen, LOOKED_THROUGH) > LOOKED_THROUGH
    # Fewer than the offset, or the page would have begun here.
    return 0 if page or not offset else offset - count(asked.connection, matching, offset)


def _those(asked: Asked, matching: Select[Any], there: ColumnElement[bool] | None, plainly: ColumnElement[bool],
           limit: int, offset: int, by: Sequence[ColumnElement[Any]]) -> list[int]:
    """A part of a list, in the order of it. Few are sorted: an index might have to be read to its end."""
    if there is not None:
        keys = asked.connection.scalars(select(_i.key).where(there).limit(COUNTED + 1)).all()
        if len(keys) <= COUNTED:
            return _sorted(asked, matching.where(one_of(_i.key, keys, asked.connection)), limit, offset)
    if not must_be_led(asked.connection) and not asked.meant.elsewhere:
        keys = asked.connection.scalars(select(_i.key).where(plainly, *asked.wanted).limit(COUNTED + 1)).all()
        if len(keys) <= COUNTED:
            return _sorted(asked, matching.where(one_of(_i.key, keys, asked.connection)), limit, offset)
    return _walk(asked, by, plainly if there is None else there, plainly, limit, offset)


def _walk(asked: Asked, by: Sequence[ColumnElement[Any]], there: ColumnElement[bool], plainly: ColumnElement[bool],
          limit: int, offset: int) -> list[int]:
    """The keys of those that match, in the order of an index, which has what is `there`."""
    order = asked.turned(*by, _i.key)
    hasty = bool(asked.meant.elsewhere) and not asked.thorough
    if not asked.wanted or (not hasty and not must_be_led(asked.connection)):
        return _read(asked, select(_i.key).where(there, *asked.wanted).order_by(*order), limit, offset)
    such = [there, *_leading(asked, by)]
    most = LOOKED_THROUGH if hasty else LOOKED_THROUGH + 2 * offset
    seen = select(_i.key, and_(true(), *asked.wanted).label("fits")).where(*such).order_by(*order)
    some = seen.limit(most).subquery()
    found = _read(asked, select(some.c.key).where(some.c.fits), limit, offset)
    if len(found) == limit or count(asked.connection, select(_i.key).where(*such), most) <= most:
        return found
    if hasty:
        asked.cut = True
        return found
    return _read(asked, select(_i.key).where(plainly, *asked.wanted).order_by(
        *asked.turned(*map(asked.plain, (*by, _i.key)))), limit, offset)


def _leading(asked: Asked, by: Sequence[ColumnElement[Any]]) -> list[ColumnElement[bool]]:
    """A condition on a column that an index begins with which goes on by what is sorted by."""
    names = _LEADING.get(by[0].key if by else "key", ())
    return [asked.meant.leading[name] for name in names if name in asked.meant.leading][:1]


_LEADING: Mapping[str | None, tuple[str, ...]] = {
    "key": ("state",), "state": ("state",),
    "started_at": ("definition_key", "process_id", "state", "version", "tenant_id"),
}


def _few(asked: Asked, matching: Select[Any]) -> Select[Any]:
    # With its limit, the inner statement is not merged with the outer one: no index is followed for its order.
    few = matching.limit(COUNTED + 1).subquery()
    by: list[ColumnElement[Any]] = []
    for column in few.c:
        if column.name != "key":
            by += [column.is_(None), *asked.turned(column)]
    return select(few.c.key).order_by(*by, *asked.turned(few.c.key))


def _sorted(asked: Asked, matching: Select[Any], limit: int, offset: int) -> list[int]:
    return _read(asked, _few(asked, matching), limit, offset)


def _passed(asked: Asked, conditions: Sequence[ColumnElement[bool]], offset: int) -> int:
    """How many match out of those that a page passes over."""
    return count(asked.connection, select(_i.key).where(*conditions), offset) if offset else 0


def _read(asked: Asked, ordered: Select[Any], limit: int, offset: int) -> list[int]:
    return list(asked.connection.scalars(ordered.limit(limit).offset(offset)))


SORTS: Mapping[str, Find] = {
    "key": _plain(), "started_at": _plain(_i.started_at), "ended_at": _by_end,
    "business_id": _sparse(_i.business_id, _i.business_id >= ""),
    # Processes have an index that goes on by time, so that one with many instances is not sorted either.
    "process_id": _plain(_i.process_id, _i.started_at), "version": _plain(_i.version, _i.started_at),
    "tenant_id": _plain(_i.tenant_id, _i.started_at), "state": _plain(_i.state), "duration": _by_duration,
    "end_reason": _sparse(_i.end_reason, _i.end_reason.is_not(None)),
    "parent_key": _sparse(_i.parent_key, _i.parent_key >= 0),
    "root_key": _plain(_i.root_key),
    # PostgreSQL expects many to be more than something, but few to be unlike what it has no figures of.
    "tags": _sparse(_TAGS, _TAGGED, lambda asked: and_(asked.plain(_i.tags).is_not(None), _TAGS < "n")),
}
"""What instances are sorted by; a variable is another order (`VARIABLE`). `>=` says that there is something so that
SQLite looks into the index."""

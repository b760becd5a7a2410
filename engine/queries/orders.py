"""The orders of lists of instances.

Where few instances match, they are sorted. Where many do, the rows are read in the order of an index until the page is
full, so that a page of a million comes as fast as one of a hundred. What has nothing to be sorted by comes last, in
both directions, on both databases.
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
    or_,
    select,
    true,
    union_all,
)

from engine import masking, schema
from engine.database import UtcDateTime
from engine.errors import InvalidInput
from engine.queries.conditions import ACTIVE
from engine.queries.paging import COUNTED, count

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


@dataclass(frozen=True, slots=True)
class Asked:
    """What a page is made of: the conditions on instances, how many they let through at least, the direction and the
    moment. `phase` is "live" or "ended" if the conditions let through no others."""

    connection: Connection
    wanted: Sequence[ColumnElement[bool]]
    total: int
    descending: bool
    now: datetime
    phase: str | None = None

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
        matching = select(_i.key).where(*asked.wanted).order_by(*asked.turned(*columns, _i.key))
        return _read(asked, matching, limit, offset)
    return find


def _sparse(value: ColumnElement[Any], there: ColumnElement[bool], missing: ColumnElement[bool] | None = None,
            without: ColumnElement[bool] | None = None) -> Find:
    """By what some instances have. An index begins with it; it has those that are `missing`, too, if this is said.
    `without` is the same in words that no index is found by, if there are better ones than that it is not there."""
    # Nearly all may be without it; they are read in the order of their keys.
    rest = there.is_not(true()) if without is None else without

    def find(asked: Asked, limit: int, offset: int) -> list[int]:
        matching = select(_i.key, case((there, value)).label("value")).where(*asked.wanted)
        if asked.total <= COUNTED:
            return _sorted(asked, matching, limit, offset)
        others = _few_of_all(asked, matching, missing) if missing is not None else None
        if others is None:
            others = matching.with_only_columns(_i.key).where(rest).order_by(*asked.turned(_i.key))
        return _one_after_the_other(asked, [_part(asked, matching, there, value), others], limit, offset)
    return find


def _by_end(asked: Asked, limit: int, offset: int) -> list[int]:
    """By when they ended, with those in flight at the end."""
    if asked.phase is None:
        return _sparse(_i.ended_at, _i.ended_at.is_not(None), _i.ended_at.is_(None))(asked, limit, offset)
    return _plain(*([_i.ended_at] if asked.phase == "ended" else []))(asked, limit, offset)


def _by_duration(asked: Asked, limit: int, offset: int) -> list[int]:
    """How long it took, or takes so far. Those that ended and those in flight are two orders, put together."""
    now = literal(asked.now, UtcDateTime())
    so_far = now - _i.started_at
    if asked.total <= COUNTED:
        length = func.coalesce(_i.ended_at, now) - _i.started_at
        return _sorted(asked, select(_i.key, length.label("value")).where(*asked.wanted), limit, offset)
    found = []
    for length, there, by, turned in ((_DURATION, _i.ended_at.is_not(None), _DURATION, False),
                                      (so_far, ACTIVE, _i.started_at, True)):
        if asked.phase == ("ended" if turned else "live"):
            continue
        matching = select(_i.key, length.label("length")).where(*asked.wanted, there)
        if count(asked.connection, matching) > COUNTED:
            down = asked.descending != turned
            matching = matching.order_by(*(each.desc() if down else each for each in (by, _i.key)))
            matching = matching.limit(limit + offset)
        found.append(select(*matching.subquery().c))
    both = union_all(*found).subquery()
    return _read(asked, select(both.c.key).order_by(*asked.turned(both.c.length, both.c.key)), limit, offset)


def _by_variable(asked: Asked, name: str, limit: int, offset: int) -> list[int]:
    """Numbers by their size, then texts and the other plain values by their JSON text, then all other instances."""
    # PostgreSQL would expect few that are equal, and sort them all.
    own = (_s.scope_key >= _s.instance_key, _s.scope_key <= _s.instance_key, _s.name == name)
    if asked.total <= COUNTED:
        joined = schema.instances.outerjoin(_shown, and_(_s.instance_key == _i.key, *own))
        matching = select(_i.key, _NUMBER.label("value"), _s.lookup.label("text")).select_from(joined)
        return _sorted(asked, matching.where(*asked.wanted), limit, offset)
    # Not EXISTS: PostgreSQL would read all instances first, to look each variable up among them.
    there = select(literal(1)).where(_i.key == _s.instance_key, *asked.wanted).limit(1).scalar_subquery()
    some = [there.is_not(None)] if asked.wanted else []
    plain = select(_s.instance_key.label("key")).where(*own, *some)
    has = select(literal(1)).where(
        _s.instance_key == _i.key, _s.scope_key == _i.key, _s.name.concat("") == name, _s.lookup.is_not(None))
    other = select(_i.key).where(*asked.wanted, has.limit(1).scalar_subquery().is_(None))
    by_text = plain.order_by(*asked.turned(_s.lookup, _s.instance_key))
    texts, words = by_text.where(_s.lookup < "-"), by_text.where(_s.lookup > ":")
    parts = [
        plain.where(_NUMBER.is_not(None)).order_by(*asked.turned(_NUMBER, _s.instance_key)),
        *((words, texts) if asked.descending else (texts, words)),
        other.order_by(*asked.turned(_i.key)),
    ]
    return _one_after_the_other(asked, parts, limit, offset)


def _part(asked: Asked, matching: Select[Any], there: ColumnElement[bool], value: ColumnElement[Any]) -> Select[Any]:
    """Those that have something, in the order of it. Few are sorted: an index might have to be read to its end."""
    few = _few_of_all(asked, matching, there)
    if few is not None:
        return few
    if count(asked.connection, matching.where(there)) <= COUNTED:
        return _few(asked, matching.where(there))
    return matching.with_only_columns(_i.key).where(there).order_by(*asked.turned(value, _i.key))


def _few_of_all(asked: Asked, matching: Select[Any], such: ColumnElement[bool]) -> Select[Any] | None:
    """Those out of `matching` that are such, if there are few such instances, whatever else is asked of them."""
    keys = asked.connection.scalars(select(_i.key).where(such).limit(COUNTED + 1)).all()
    return None if len(keys) > COUNTED else _few(asked, matching.where(_i.key.in_(keys)))


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


def _one_after_the_other(asked: Asked, parts: Sequence[Select[Any]], limit: int, offset: int) -> list[int]:
    found: list[int] = []
    for part in parts:
        found += _read(asked, part, limit - len(found), offset)
        if len(found) == limit:
            break
        if found:
            offset = 0
        else:
            # Fewer than the offset, or the page would have begun here.
            passed = select(func.count()).select_from(part.order_by(None).limit(offset).subquery())
            offset -= asked.connection.scalar(passed) or 0
    return found


def _read(asked: Asked, ordered: Select[Any], limit: int, offset: int) -> list[int]:
    return list(asked.connection.scalars(ordered.limit(limit).offset(offset)))


SORTS: Mapping[str, Find] = {
    "key": _plain(), "started_at": _plain(_i.started_at), "ended_at": _by_end,
    "business_id": _sparse(_i.business_id, _i.business_id >= "", _i.business_id.is_(None)),
    # Processes have an index that goes on by time, so that one with many instances is not sorted either.
    "process_id": _plain(_i.process_id, _i.started_at), "version": _plain(_i.version, _i.started_at),
    "tenant_id": _plain(_i.tenant_id, _i.started_at), "state": _plain(_i.state), "duration": _by_duration,
    "end_reason": _sparse(_i.end_reason, _i.end_reason.is_not(None)),
    "parent_key": _sparse(_i.parent_key, _i.parent_key >= 0, _i.parent_key.is_(None)),
    "root_key": _plain(_i.root_key),
    # PostgreSQL expects many to be more than something, but few to be unlike what it has no figures of.
    "tags": _sparse(_TAGS, _TAGGED, without=or_(_i.tags.is_(None), _TAGS >= "n")),
}
"""What instances are sorted by; a variable is another order (`VARIABLE`). `>=` says that there is something so that
SQLite looks into the index."""

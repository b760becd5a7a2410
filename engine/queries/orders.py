"""The orders of lists of instances.

Where few instances match, they are sorted. Where many do, the rows are read in the order of an index until the page is
full, so that a page of a million comes as fast as one of a hundred: of those of some definitions and states only, if
these are asked for (`engine.queries.merging`). If those that match are far down in that order, all are read and sorted.
What has nothing to be sorted by comes last, in both directions, on both databases.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import (
    ColumnElement,
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
from engine.columns import UtcDateTime
from engine.errors import InvalidInput
from engine.queries import merging
from engine.queries.conditions import ACTIVE, WORD_ACTIVE
from engine.queries.narrowing import LOOKED_THROUGH, Narrowed
from engine.queries.paging import COUNTED, count_in_order
from engine.queries.walking import Asked, by_value, fitting, passed, read, walk
from engine.states import InstanceState
from engine.wording import must_be_led, one_of, unsorted

_i, _d = schema.instances.c, schema.definitions.c
_shown = schema.variables.alias("shown")
_s = _shown.c

VARIABLE = "variable:"
"""In front of the name of a variable that instances are sorted by."""

_TAGS: ColumnElement[Any] = literal_column(f"({schema.TAGS_TEXT})")
_TAGGED: ColumnElement[bool] = literal_column(f"({schema.TAGGED})")
_DURATION: ColumnElement[Any] = literal_column(f"({schema.DURATION})")
_NUMBER: ColumnElement[Any] = literal_column(f"({schema.NUMBER})")
"""Written out, as in the indexes."""


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


def _plain(*columns: ColumnElement[Any], there: ColumnElement[bool] | None = None) -> Find:
    """By what every instance has; an index begins with it, and has what is `there`."""
    def find(asked: Asked, limit: int, offset: int) -> list[int]:
        if asked.few:
            return by_value(asked, select(_i.key, *columns).where(*asked.wanted), limit, offset)
        return walk(asked, columns, true() if there is None else there, true(), limit, offset)
    return find


def by_definition(column: ColumnElement[Any], *by: ColumnElement[Any]) -> Find:
    """By what a definition tells of its instances: value by value, and for each by `by`."""
    def parts(asked: Asked) -> Iterator[Narrowed]:
        meant, connection = asked.meant, asked.connection
        statement = select(_d.key, column.label("value")).order_by(column.is_(None), *asked.turned(column))
        if meant.definitions is not None:
            statement = statement.where(one_of(_d.key, meant.definitions, connection))
        of_value: dict[Any, list[int]] = defaultdict(list)
        for key, value in connection.execute(statement):
            of_value[value].append(key)
        for keys in of_value.values():
            of_these = one_of(asked.plain(_i.definition_key), keys, connection)
            yield replace(meant, definitions=keys, columns=(*meant.columns, of_these),
                          pairs=merging.pairs(connection, keys, meant.states))
    value = select(column).where(_d.key == _i.definition_key).scalar_subquery()
    return _in_parts(parts, value, *by)


def _by_state() -> Find:
    def parts(asked: Asked) -> Iterator[Narrowed]:
        meant = asked.meant
        for state in sorted(meant.states, reverse=asked.descending):
            yield replace(meant, states=(state,), columns=(*meant.columns, asked.plain(_i.state) == state),
                          pairs=merging.pairs(asked.connection, meant.definitions, [state]))
    return _in_parts(parts, _i.state)


def _in_parts(parts: Callable[[Asked], Iterator[Narrowed]], value: ColumnElement[Any],
              *by: ColumnElement[Any]) -> Find:
    def find(asked: Asked, limit: int, offset: int) -> list[int]:
        if asked.few:
            return by_value(asked, select(_i.key, value.label("value"), *by).where(*asked.wanted), limit, offset)
        found: list[int] = []
        for part in parts(asked):
            of_part = asked.of(part)
            page = walk(of_part, by, true(), true(), limit - len(found), offset)
            found += page
            asked.cut |= of_part.cut
            if len(found) == limit or asked.cut:
                break
            # Fewer than the offset, or the page would have begun here.
            offset = 0 if page else offset - passed(of_part, true(), offset)
        return found
    return find


def _sparse(value: ColumnElement[Any], there: ColumnElement[bool],
            has: Callable[[Asked], ColumnElement[bool]] | None = None) -> Find:
    """By what some instances have. An index that has only them, or begins with it, finds what is `there`; `has` says
    the same in words that no index is found by."""
    def find(asked: Asked, limit: int, offset: int) -> list[int]:
        matching = select(_i.key, case((there, value)).label("value")).where(*asked.wanted)
        if asked.few:
            return by_value(asked, matching, limit, offset)
        plainly = asked.plain(value).is_not(None) if has is None else has(asked)
        found = _those(asked, matching, there, plainly, limit, offset, (value,))
        if len(found) == limit or asked.cut:
            return found
        # Fewer than the offset, or the page would have begun here.
        offset = 0 if found else offset - passed(asked, there, offset)
        return found + _those(asked, matching, None, ~plainly, limit - len(found), offset, ())
    return find


def _by_end(asked: Asked, limit: int, offset: int) -> list[int]:
    """By when they ended, with those in flight at the end."""
    if asked.meant.phase is None:
        return _sparse(_i.ended_at, _i.ended_at.is_not(None))(asked, limit, offset)
    if asked.meant.phase == "live":
        return _plain()(asked, limit, offset)
    return _plain(_i.ended_at, there=_i.ended_at.is_not(None))(asked, limit, offset)


def _by_duration(asked: Asked, limit: int, offset: int) -> list[int]:
    """How long it took, or takes so far. Those that ended and those in flight are two orders, put together."""
    now = literal(asked.now, UtcDateTime())
    so_far = now - _i.started_at
    if asked.few:
        length = func.coalesce(_i.ended_at, now) - _i.started_at
        return by_value(asked, select(_i.key, length.label("value")).where(*asked.wanted), limit, offset)
    found: list[tuple[Any, int]] = []
    for length, there, plainly, by, turned in (
            (_DURATION, _i.ended_at.is_not(None), asked.plain(_i.ended_at).is_not(None), _DURATION, False),
            (so_far, ACTIVE, asked.plain(_i.state) == WORD_ACTIVE, _i.started_at, True)):
        if asked.meant.phase == ("ended" if turned else "live"):
            continue
        matching = select(_i.key, length.label("value")).where(*asked.wanted)
        of_part = asked.of(_in_phase(asked.meant, live=turned))
        of_part.descending = asked.descending != turned
        keys = _those(of_part, matching, there, plainly, limit + offset, 0, (by,))
        asked.cut |= of_part.cut
        lengths = select(type_coerce(length, NullType()), _i.key).where(one_of(_i.key, keys, asked.connection))
        found += ((row[0], row[1]) for row in asked.connection.execute(lengths))
    return [key for _length, key in sorted(found, reverse=asked.descending)[offset:offset + limit]]


def _in_phase(meant: Narrowed, *, live: bool) -> Narrowed:
    """Those pairs only that are in flight, or that are not."""
    if meant.pairs is None:
        return meant
    return replace(meant, pairs=tuple(pair for pair in meant.pairs if (pair[1] == InstanceState.ACTIVE) == live))


def _by_variable(asked: Asked, name: str, limit: int, offset: int) -> list[int]:
    """Numbers by their size, then texts and the other plain values by their JSON text, then all other instances."""
    if asked.few:
        # Of the instance itself: the names of its inner scopes are not shown.
        own = and_(_s.instance_key == _i.key, _s.scope_key == _i.key, _s.name.concat("") == name)
        matching = select(_i.key, _NUMBER.label("value"), _s.lookup.label("text")).select_from(
            schema.instances.outerjoin(_shown, own))
        return by_value(asked, matching.where(*asked.wanted), limit, offset)
    with unsorted(asked.connection):
        return _through_values(asked, name, limit, offset)


def _through_values(asked: Asked, name: str, limit: int, offset: int) -> list[int]:
    # PostgreSQL would expect few that are equal, and sort them all.
    mine = (_s.scope_key >= _s.instance_key, _s.scope_key <= _s.instance_key, _s.name == name)
    has = select(literal(1)).where(
        _s.instance_key == _i.key, _s.scope_key == _i.key, _s.name.concat("") == name, _s.lookup.is_not(None))
    other = and_(has.limit(1).scalar_subquery().is_(None), *asked.wanted)
    texts, words = ((_s.lookup < "-", _s.lookup), (_s.lookup > ":", _s.lookup))
    found: list[int] = []
    for such, by in ((_NUMBER.is_not(None), _NUMBER), *((words, texts) if asked.descending else (texts, words))):
        seen = select(_s.instance_key.label("key")).where(*mine, such).order_by(*asked.turned(by, _s.instance_key))
        offset = _more(asked, found, seen, fitting(asked, _s.instance_key), limit, offset)
        if len(found) == limit or asked.cut:
            return found
    _more(asked, found, select(_i.key).order_by(*asked.turned(_i.key)), other, limit, offset)
    return found


def _more(asked: Asked, found: list[int], seen: Select[Any], fits: ColumnElement[bool], limit: int, offset: int) -> int:
    """Add those of a part that fit to what was found, and say by how many the next part begins later. Unless the search
    is thorough, no more than `LOOKED_THROUGH` of a part are asked."""
    matching, hasty = seen.where(fits), bool(asked.wanted) and not asked.thorough
    if hasty:
        some = seen.add_columns(fits.label("fits")).limit(LOOKED_THROUGH).subquery()
        matching = select(some.c.key).where(some.c.fits)
    page = read(asked, matching, limit - len(found), offset)
    found += page
    if len(found) < limit and hasty:
        asked.cut = count_in_order(asked.connection, seen, LOOKED_THROUGH) > LOOKED_THROUGH
    # Fewer than the offset, or the page would have begun here.
    return 0 if page or not offset else offset - count_in_order(asked.connection, matching, offset)


def _those(asked: Asked, matching: Select[Any], there: ColumnElement[bool] | None, plainly: ColumnElement[bool],
           limit: int, offset: int, by: Sequence[ColumnElement[Any]]) -> list[int]:
    """A part of a list, in the order of it. Few are sorted: an index might have to be read to its end."""
    if asked.meant.pairs is not None:
        if there is None:
            # There may be none in all that the pairs have.
            others = asked.of(replace(asked.meant, others=(*asked.meant.others, plainly)))
            found = walk(others, by, true(), plainly, limit, offset)
            asked.cut |= others.cut
            return found
        return walk(asked, by, there, plainly, limit, offset)
    if there is not None:
        keys = asked.connection.scalars(select(_i.key).where(there).limit(COUNTED + 1)).all()
        if len(keys) <= COUNTED:
            return by_value(asked, matching.where(one_of(_i.key, keys, asked.connection)), limit, offset)
    if not must_be_led(asked.connection) and not asked.meant.elsewhere:
        keys = asked.connection.scalars(select(_i.key).where(plainly, *asked.wanted).limit(COUNTED + 1)).all()
        if len(keys) <= COUNTED:
            return by_value(asked, matching.where(one_of(_i.key, keys, asked.connection)), limit, offset)
    return walk(asked, by, plainly if there is None else there, plainly, limit, offset)


SORTS: Mapping[str, Find] = {
    "key": _plain(), "started_at": _plain(_i.started_at), "ended_at": _by_end,
    "business_id": _sparse(_i.business_id, _i.business_id >= ""),
    "process_id": by_definition(_d.process_id, _i.started_at), "version": by_definition(_d.version, _i.started_at),
    "tenant_id": by_definition(_d.tenant_id, _i.started_at), "state": _by_state(), "duration": _by_duration,
    "end_reason": _sparse(_i.end_reason, _i.end_reason.is_not(None)),
    "parent_key": _sparse(_i.parent_key, _i.parent_key >= 0),
    "root_key": _plain(_i.root_key),
    # PostgreSQL expects many to be more than something, but few to be unlike what it has no figures of.
    "tags": _sparse(_TAGS, _TAGGED, lambda asked: and_(asked.plain(_i.tags).is_not(None), _TAGS < "n")),
}
"""What instances are sorted by; a variable is another order (`VARIABLE`). `>=` says that there is something so that
SQLite looks into the index."""

"""The orders of lists of instances.

Where few instances match, they are sorted. Where many do, the rows are read in the order of an index until the page is
full, so that a page of a million comes as fast as one of a hundred: of those of some definitions and states only, if
these are asked for (`engine.queries.merging`). If those that match are far down in that order, all are read and sorted.
What has nothing to be sorted by comes last, in both directions, on both databases.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Subquery,
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
from engine.queries import merging
from engine.queries.conditions import ACTIVE, WORD_ACTIVE
from engine.queries.narrowing import LOOKED_THROUGH, Narrowed
from engine.queries.paging import COUNTED, count
from engine.states import InstanceState
from engine.wording import must_be_led, not_by_index, one_of

_i, _d = schema.instances.c, schema.definitions.c
_shown = schema.variables.alias("shown")
_s = _shown.c

FIRST_LOOKED_THROUGH = 1_000
"""Most pages are full by then."""

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
            return _sorted(asked, select(_i.key, *columns).where(*asked.wanted), limit, offset)
        return _walk(asked, columns, true() if there is None else there, true(), limit, offset)
    return find


def _by_part(column: ColumnElement[Any], *by: ColumnElement[Any]) -> Find:
    """By what only definitions differ in, or by the state: value by value, and for each by `by`."""
    def find(asked: Asked, limit: int, offset: int) -> list[int]:
        if asked.few:
            return _plain(column, *by)(asked, limit, offset)
        found: list[int] = []
        for part in _parts(asked, column):
            of_part = asked.of(part)
            page = _walk(of_part, by, true(), true(), limit - len(found), offset)
            found += page
            asked.cut |= of_part.cut
            if len(found) == limit or asked.cut:
                break
            # Fewer than the offset, or the page would have begun here.
            offset = 0 if page else offset - _passed(of_part, true(), offset)
        return found
    return find


def _parts(asked: Asked, column: ColumnElement[Any]) -> Iterator[Narrowed]:
    """What is meant, in parts with one value each, in order."""
    meant = asked.meant
    if column is _i.state:
        for state in sorted(meant.states, reverse=asked.descending):
            yield replace(meant, states=(state,), columns=(*meant.columns, asked.plain(_i.state) == state),
                          pairs=merging.pairs(asked.connection, meant.definitions, [state]))
        return
    statement = select(_d.key, _d[column.key or ""])
    if meant.definitions is not None:
        statement = statement.where(one_of(_d.key, meant.definitions, asked.connection))
    of_value: dict[Any, list[int]] = defaultdict(list)
    for key, value in asked.connection.execute(statement):
        of_value[value].append(key)
    for value in sorted(of_value, reverse=asked.descending):
        of_these = asked.plain(column) == value
        yield replace(meant, definitions=of_value[value], columns=(*meant.columns, of_these),
                      pairs=merging.pairs(asked.connection, of_value[value], meant.states))


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
        offset = 0 if found else offset - _passed(asked, there, offset)
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
        return _sorted(asked, select(_i.key, length.label("value")).where(*asked.wanted), limit, offset)
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
        offset = _more(asked, found, seen, _fitting(asked, _s.instance_key), limit, offset)
        if len(found) == limit or asked.cut:
            return found
    _more(asked, found, select(_i.key).order_by(*asked.turned(_i.key)), other, limit, offset)
    return found


def _fitting(asked: Asked, key: ColumnElement[Any], *, but_for_pairs: bool = False) -> ColumnElement[bool]:
    """Whether the instance with this key is meant; out of those of the pairs, if these are known."""
    wanted = [*asked.meant.others, *asked.meant.elsewhere] if but_for_pairs else asked.wanted
    if not wanted:
        return true()
    # Not EXISTS: PostgreSQL would read all instances first, to look each one up among them.
    return select(literal(1)).where(_i.key == key, *wanted).limit(1).scalar_subquery().is_not(None)


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
        asked.cut = _counted(asked, seen, LOOKED_THROUGH) > LOOKED_THROUGH
    # Fewer than the offset, or the page would have begun here.
    return 0 if page or not offset else offset - _counted(asked, matching, offset)


def _counted(asked: Asked, ordered: Select[Any], most: int) -> int:
    """How many rows there are, at most one more than `most`, counted in their order: it leads to the index."""
    return count(asked.connection, select(ordered.limit(most + 1).subquery().c.key), most)


def _those(asked: Asked, matching: Select[Any], there: ColumnElement[bool] | None, plainly: ColumnElement[bool],
           limit: int, offset: int, by: Sequence[ColumnElement[Any]]) -> list[int]:
    """A part of a list, in the order of it. Few are sorted: an index might have to be read to its end."""
    if asked.meant.pairs is not None:
        if there is None:
            # There may be none in all that the pairs have.
            others = asked.of(replace(asked.meant, others=(*asked.meant.others, plainly)))
            found = _walk(others, by, true(), plainly, limit, offset)
            asked.cut |= others.cut
            return found
        return _walk(asked, by, there, plainly, limit, offset)
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
    if asked.meant.pairs is not None:
        return _merge(asked, by, there, plainly, limit, offset)
    order = asked.turned(*by, _i.key)
    if not asked.wanted or (not asked.hasty and not must_be_led(asked.connection)):
        return _read(asked, select(_i.key).where(there, *asked.wanted).order_by(*order), limit, offset)
    such = [there, *_leading(asked, by)]
    most = LOOKED_THROUGH if asked.hasty else LOOKED_THROUGH + 2 * offset
    seen = select(_i.key, and_(true(), *asked.wanted).label("fits")).where(*such).order_by(*order)
    some = seen.limit(most).subquery()
    found = _read(asked, select(some.c.key).where(some.c.fits), limit, offset)
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
        return _read(asked, select(seen(limit + offset).c.key), limit, offset)
    most = LOOKED_THROUGH if asked.hasty else LOOKED_THROUGH + 2 * offset
    for number in (min(FIRST_LOOKED_THROUGH, most), most):
        some = seen(number)
        fits = _fitting(asked, some.c.key, but_for_pairs=True).label("fits")
        asked_each = select(some.c.key, fits).limit(number).subquery()
        found = _read(asked, select(asked_each.c.key).where(asked_each.c.fits), limit, offset)
        if len(found) == limit or count(asked.connection, select(some.c.key), number) < number:
            return found
    return _rest(asked, by, plainly, found, limit, offset)


def _rest(asked: Asked, by: Sequence[ColumnElement[Any]], plainly: ColumnElement[bool], found: list[int], limit: int,
          offset: int) -> list[int]:
    """What is found by reading all and sorting them, if there is time for that."""
    if asked.hasty:
        asked.cut = True
        return found
    return _read(asked, select(_i.key).where(plainly, *asked.meant.found_by, *asked.wanted).order_by(
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


def _sorted(asked: Asked, matching: Select[Any], limit: int, offset: int) -> list[int]:
    return _read(asked, _few(asked, matching), limit, offset)


def _passed(asked: Asked, there: ColumnElement[bool], offset: int) -> int:
    """How many match out of those that are `there` and that a page passes over."""
    if not offset:
        return 0
    meant = asked.meant
    if meant.pairs is None or meant.others or meant.elsewhere:
        return count(asked.connection, select(_i.key).where(there, *meant.found_by, *asked.wanted), offset)
    some = merging.merged(asked.connection, meant.pairs, (), there, descending=asked.descending, most=offset + 1)
    return count(asked.connection, select(some.c.key), offset)


def _read(asked: Asked, ordered: Select[Any], limit: int, offset: int) -> list[int]:
    return list(asked.connection.scalars(ordered.limit(limit).offset(offset)))


SORTS: Mapping[str, Find] = {
    "key": _plain(), "started_at": _plain(_i.started_at), "ended_at": _by_end,
    "business_id": _sparse(_i.business_id, _i.business_id >= ""),
    "process_id": _by_part(_i.process_id, _i.started_at), "version": _by_part(_i.version, _i.started_at),
    "tenant_id": _by_part(_i.tenant_id, _i.started_at), "state": _by_part(_i.state), "duration": _by_duration,
    "end_reason": _sparse(_i.end_reason, _i.end_reason.is_not(None)),
    "parent_key": _sparse(_i.parent_key, _i.parent_key >= 0),
    "root_key": _plain(_i.root_key),
    # PostgreSQL expects many to be more than something, but few to be unlike what it has no figures of.
    "tags": _sparse(_TAGS, _TAGGED, lambda asked: and_(asked.plain(_i.tags).is_not(None), _TAGS < "n")),
}
"""What instances are sorted by; a variable is another order (`VARIABLE`). `>=` says that there is something so that
SQLite looks into the index."""

"""Few instances among which all are that a filter means, or what has to be asked of each.

What a filter says of process, version, tenant and state is one condition with an index (`engine.queries.merging`). No
index has two other conditions, and a database that follows the wrong one reads a million rows. So each condition that
an index has is counted by it, up to `COUNTED`: if few fit one of them, these are looked up and asked the rest; if many
fit each, instances are read in the order of the list until its part is full.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Connection, Select, and_, func, or_, select, union_all

from engine import schema
from engine.queries import conditions, matching, merging, variables
from engine.queries.matching import InstanceFilter
from engine.queries.merging import Pair
from engine.queries.paging import COUNTED, count, count_in_order
from engine.wording import must_be_led, not_by_index, one_of

_i = schema.instances.c

ASKED_QUICKLY = 1_000
"""So few are asked about what belongs to them, before those are read to whom it belongs."""
LOOKED_THROUGH = 10_000
"""Where something has to be looked up for each instance, and many have it, no more of them than this are asked while
somebody waits for a page."""
READ_BY_INDEX = 150_000
"""No more are found by an index where all that fit must be read: to read a million as they lie takes no longer."""


@dataclass(frozen=True, slots=True)
class Narrowed:
    """`keys` if these are exactly the instances that are meant; else more than `COUNTED` are, or `cut` says that only
    some were asked and `total` of them fit. `columns` and `elsewhere` are conditions, of which the latter look
    something up for each. `phase` is "live" or "ended" if they let through no others.

    `definitions` and `states` are what all are of; `pairs` the same if an order can be merged of them, and `others` the
    columns' conditions that these do not tell. `leading` are conditions on what a list may be sorted by, so that it
    begins there; `found_by` is one that an index has few enough of to read them all, if there is one.
    """

    keys: Sequence[int] | None
    columns: tuple[ColumnElement[bool], ...]
    elsewhere: tuple[ColumnElement[bool], ...]
    phase: str | None
    total: int
    cut: bool = False
    leading: Mapping[str, ColumnElement[bool]] = field(default_factory=dict)
    definitions: Sequence[int] | None = None
    states: Sequence[str] = merging.ALL_STATES
    pairs: tuple[Pair, ...] | None = None
    others: tuple[ColumnElement[bool], ...] = ()
    found_by: tuple[ColumnElement[bool], ...] = ()


def narrowed(filter: InstanceFilter, now: datetime, connection: Connection, *, thorough: bool) -> Narrowed:
    """What a filter means. Unless `thorough`, no more than `LOOKED_THROUGH` are asked what takes long.

    Raises InvalidInput for an unknown state, or a condition on a variable that cannot be.
    """
    columns, others, elsewhere = _conditions(filter, now, connection)
    base = _Base.of(filter, connection)
    indexed = _indexed(filter)
    keys = _few(filter, now, base, indexed, connection)
    asked: list[ColumnElement[bool]] = []
    cut = False
    for each in elsewhere:
        if keys is None or (len(keys) > ASKED_QUICKLY and not each.scans):
            some = None if thorough else each.hasty
            found = _unless_many(connection, each.belonging if some is None else some, scanning=each.scans)
            if found is not None:
                cut |= some is not None and each.long is not None and count_in_order(
                    connection, each.long, variables.LONG_ONES) > variables.LONG_ONES
                keys = found if keys is None else keys & found
                continue
        asked.append(each.each)
    phase = conditions.phase(filter.states)
    if keys is not None:
        if columns or asked:
            meant = select(_i.key).where(one_of(_i.key, keys, connection), *columns, *asked)
            keys = set(connection.scalars(meant))
        return Narrowed(tuple(keys), (), (), phase, len(keys), cut=cut)
    many = Narrowed(
        None, tuple(columns), tuple(asked), phase, COUNTED + 1, leading=_leading(filter), definitions=base.definitions,
        states=base.states, others=tuple(others),
        found_by=_found_by(base, indexed, connection) if others or asked else (),
        pairs=merging.pairs(connection, base.definitions, base.states) if base.is_asked else None)
    if _is_everywhere(filter, columns, connection) or _was_counted(many, base, indexed):
        return many
    return _counted(many, connection, thorough)


@dataclass(frozen=True, slots=True)
class _Base:
    """Which definitions and states are meant, and that as conditions; `definitions` None: all."""

    definitions: Sequence[int] | None
    states: Sequence[str]
    conditions: tuple[ColumnElement[bool], ...]

    @classmethod
    def of(cls, filter: InstanceFilter, connection: Connection) -> _Base:
        named = any(getattr(filter, name) is not None for name in matching.OF_DEFINITION)
        definitions = tuple(connection.scalars(matching.definitions(filter))) if named else None
        states = matching.states_of(filter)
        made = [] if definitions is None else [one_of(_i.definition_key, definitions, connection)]
        if len(states) == 1:
            made.append(merging.in_state(states[0]))
        elif len(states) < len(merging.ALL_STATES):
            made.append(or_(*map(merging.in_state, states)))
        return cls(definitions, states, tuple(made))

    @property
    def is_asked(self) -> bool:
        """Whether they are not all."""
        return bool(self.conditions)

    def rows(self) -> Select[Any] | CompoundSelect[Any]:
        """Their keys, found by an index: state by state, because an index has no two of them side by side."""
        return union_all(*(select(_i.key).where(
            *([] if self.definitions is None else self.conditions[:1]), merging.in_state(state))
            for state in self.states))


def _conditions(filter: InstanceFilter, now: datetime, connection: Connection,
                ) -> tuple[list[ColumnElement[bool]], list[ColumnElement[bool]], list[matching.Elsewhere]]:
    """Those on columns, none of which names an index; those of them that definitions and states do not tell; and the
    others."""
    def plain(column: ColumnElement[Any]) -> ColumnElement[Any]:
        return not_by_index(column, connection)

    columns, elsewhere = matching.of_columns(filter, plain), matching.elsewhere(filter, connection)
    others = matching.of_columns(filter, plain, but_for=(*matching.OF_DEFINITION, "state"))
    if filter.states:
        for state in filter.states:
            matching.of_state(state, now)
        meant = or_(*(_of_state(state, now, plain(_i.state)) for state in filter.states))
        columns.append(meant)
        told = {"active", *(conditions.ENDED if filter.element_id is None else ())}
        if not set(filter.states) <= told:
            others.append(meant)
    return columns, others, elsewhere


def _leading(filter: InstanceFilter) -> dict[str, ColumnElement[bool]]:
    found = {}
    for name, start, end in (("started_at", filter.started_from, filter.started_until),
                             ("ended_at", filter.ended_from, filter.ended_until)):
        if start is not None or end is not None:
            found[name] = and_(*([_i[name] >= start] if start is not None else []),
                               *([_i[name] < end] if end is not None else []))
    return found


def _of_state(word: str, now: datetime, state: ColumnElement[Any]) -> ColumnElement[bool]:
    active = state == conditions.WORD_ACTIVE
    if word == "waiting":
        return conditions.waiting(active)
    if word == "active":
        return active
    if word in conditions.ENDED:
        return state == word.upper()
    found = conditions.rare([word], now)
    return conditions.condition(word, now) if found is None else and_(active, _i.key.in_(found))


def _indexed(filter: InstanceFilter) -> list[ColumnElement[bool]]:
    """The conditions on columns that each have an index, but for definitions and states."""
    found = matching.of_columns(filter, but_for=(*matching.OF_DEFINITION, "state"))
    # No index has correlation ids.
    return [each for each in found if not _i.correlation_id.compare(getattr(each, "left", _i.key))]


def _few(filter: InstanceFilter, now: datetime, base: _Base, indexed: Sequence[ColumnElement[bool]],
         connection: Connection) -> set[int] | None:
    """The keys of instances among which all are, if an index has few that fit one of the conditions."""
    keys = matching.keys_of(filter)
    if keys is not None:
        return keys
    ways = [select(_i.key).where(each) for each in indexed]
    for each in (*ways, *([base.rows()] if base.is_asked else [])):
        if count(connection, each) <= COUNTED:
            return set(connection.scalars(each))
    rare = conditions.rare(filter.states, now)
    if rare is not None:
        return _unless_many(connection, rare)
    return None


def _found_by(base: _Base, indexed: Sequence[ColumnElement[bool]],
              connection: Connection) -> tuple[ColumnElement[bool], ...]:
    """The condition that an index has the fewest of, if these are not too many. Who needs no leading gets none."""
    if not must_be_led(connection):
        return ()
    ways: list[tuple[Select[Any] | CompoundSelect[Any], tuple[ColumnElement[bool], ...]]]
    ways = [(select(_i.key).where(each), (each,)) for each in indexed]
    ways += [(base.rows(), base.conditions)] if base.is_asked else []
    counts = [(count(connection, rows, READ_BY_INDEX), place) for place, (rows, _) in enumerate(ways)]
    least, place = min(counts, default=(READ_BY_INDEX + 1, 0))
    return ways[place][1] if least <= READ_BY_INDEX else ()


def _was_counted(many: Narrowed, base: _Base, indexed: Sequence[ColumnElement[bool]]) -> bool:
    """Whether there is but one condition, which was counted by its index and has many."""
    return not many.elsewhere and (not many.others if base.is_asked else len(many.others) == len(indexed) == 1)


def _unless_many(connection: Connection, statement: Select[int] | CompoundSelect[int], *,
                 scanning: bool = False) -> set[int] | None:
    """The keys that a statement gives; None if there are more than `COUNTED`. They are counted first, where they are:
    to bring ten thousand here, only to see that they are too many, takes longer than all else. What takes long to find
    (`scanning`) is not looked for twice."""
    if not scanning:
        return set(connection.scalars(statement)) if count_in_order(connection, statement) <= COUNTED else None
    found = connection.scalars(statement.limit(COUNTED + 1)).all()
    return set(found) if len(found) <= COUNTED else None


def _is_everywhere(filter: InstanceFilter, columns: Sequence[ColumnElement[bool]], connection: Connection) -> bool:
    """Whether more instances than are counted have the one variable that a filter asks for, so that none needs to be
    counted."""
    wanted = matching.variables_of(filter)
    if columns or len(wanted) != 1 or len(matching.elsewhere(filter, connection)) != 1:
        return False
    some = variables.having(wanted[0], connection).limit(COUNTED + 1).subquery()
    return (connection.scalar(select(func.count(some.c.instance_key.distinct()))) or 0) > COUNTED


def _counted(many: Narrowed, connection: Connection, thorough: bool) -> Narrowed:
    """With the keys of all, if they are few after all."""
    meant = select(_i.key).where(*many.found_by, *many.columns)
    if not many.elsewhere:
        found = _unless_many(connection, meant)
        return many if found is None else Narrowed(tuple(found), (), (), many.phase, len(found))
    cut = False
    if thorough:
        those = connection.scalars(meant.where(*many.elsewhere).limit(COUNTED + 1)).all()
    else:
        some = meant.add_columns(and_(*many.elsewhere).label("fits")).limit(LOOKED_THROUGH).subquery()
        those = connection.scalars(select(some.c.key).where(some.c.fits).limit(COUNTED + 1)).all()
        cut = len(those) <= COUNTED and count(connection, meant, LOOKED_THROUGH) > LOOKED_THROUGH
    if len(those) > COUNTED or cut:
        return replace(many, total=len(those), cut=cut)
    return Narrowed(tuple(those), (), (), many.phase, len(those))

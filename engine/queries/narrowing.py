"""Few instances among which all are that a filter means, or what has to be asked of each.

No index has two conditions on any two things, and a database that follows the wrong one reads a million rows. So each
condition that an index has is counted by it, up to `COUNTED`: if few fit one of them, these are looked up and asked the
rest; if many fit each, instances are read in the order of the list until its part is full.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Connection, Select, and_, func, literal, or_, select

from engine import schema
from engine.queries import conditions, matching, variables
from engine.queries.matching import InstanceFilter
from engine.queries.paging import COUNTED, count
from engine.wording import not_by_index, one_of, within

_i = schema.instances.c

ASKED_QUICKLY = 1_000
"""So few are asked about what belongs to them, before those are read to whom it belongs."""
LOOKED_THROUGH = 30_000
"""Where something has to be looked up for each instance, and many have it, no more of them than this are asked while
somebody waits for a page."""


@dataclass(frozen=True, slots=True)
class Narrowed:
    """`keys` if these are exactly the instances that are meant; else more than `COUNTED` are, or `cut` says that only
    some were asked and `total` of them fit. `columns` and `elsewhere` are conditions, of which the latter look
    something up for each; `leading` are some of the columns' again, said so that an index is found by them. `phase` is
    "live" or "ended" if they let through no others."""

    keys: Sequence[int] | None
    columns: tuple[ColumnElement[bool], ...]
    elsewhere: tuple[ColumnElement[bool], ...]
    phase: str | None
    total: int
    cut: bool = False
    leading: Mapping[str, ColumnElement[bool]] = field(default_factory=dict)


def narrowed(filter: InstanceFilter, now: datetime, connection: Connection, *, thorough: bool) -> Narrowed:
    """What a filter means. Unless `thorough`, no more than `LOOKED_THROUGH` are asked what takes long.

    Raises InvalidInput for an unknown state, or a condition on a variable that cannot be.
    """
    columns, elsewhere = _conditions(filter, now, connection)
    keys = _few(filter, now, connection)
    asked: list[ColumnElement[bool]] = []
    for each in elsewhere:
        if keys is None or (len(keys) > ASKED_QUICKLY and not each.scans):
            found = _unless_many(connection, each.belonging, scanning=each.scans)
            if found is not None:
                keys = found if keys is None else keys & found
                continue
        asked.append(each.each)
    phase = conditions.phase(filter.states)
    if keys is not None:
        if columns or asked:
            meant = select(_i.key).where(one_of(_i.key, keys, connection), *columns, *asked)
            keys = set(connection.scalars(meant))
        return Narrowed(tuple(keys), (), (), phase, len(keys))
    many = Narrowed(None, tuple(columns), tuple(asked), phase, COUNTED + 1, leading=_leading(filter, phase))
    return many if _is_everywhere(filter, columns, connection) else _counted(many, connection, thorough)


def _conditions(filter: InstanceFilter, now: datetime,
                connection: Connection) -> tuple[list[ColumnElement[bool]], list[matching.Elsewhere]]:
    """Those on columns, none of which names an index, and the others."""
    def plain(column: ColumnElement[Any]) -> ColumnElement[Any]:
        return not_by_index(column, connection)

    columns, elsewhere = matching.of_columns(filter, plain), matching.elsewhere(filter, connection)
    if filter.states:
        for state in filter.states:
            matching.of_state(state, now)
        columns.append(or_(*(_of_state(state, now, plain(_i.state)) for state in filter.states)))
    return columns, elsewhere


def _leading(filter: InstanceFilter, phase: str | None) -> dict[str, ColumnElement[bool]]:
    found = {name: _i[name] == getattr(filter, name) for name in ("process_id", "definition_key", "tenant_id")
             if getattr(filter, name) is not None}
    if filter.version is not None:
        found["version"] = _i.version == within(filter.version)
    if phase == "live":
        found["state"] = conditions.ACTIVE
    elif len(set(filter.states)) == 1:
        found["state"] = _i.state == next(iter(filter.states)).upper()
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


def _few(filter: InstanceFilter, now: datetime, connection: Connection) -> set[int] | None:
    """The keys of instances among which all are, if an index has few that fit one of the conditions."""
    keys = matching.keys_of(filter)
    if keys is not None:
        return keys
    indexed = matching.of_columns(filter)
    if conditions.phase(filter.states) == "live":
        indexed.append(conditions.ACTIVE)
    elif len(set(filter.states)) == 1:
        indexed += (matching.of_state(state, now) for state in filter.states)
    if filter.correlation_id is not None:
        # No index has them.
        indexed = [each for each in indexed if not _i.correlation_id.compare(getattr(each, "left", _i.key))]
    for each in indexed:
        if count(connection, select(literal(1)).select_from(schema.instances).where(each)) <= COUNTED:
            return set(connection.scalars(select(_i.key).where(each)))
    rare = conditions.rare(filter.states, now)
    if rare is not None:
        return _unless_many(connection, rare)
    return None


def _unless_many(connection: Connection, statement: Select[int] | CompoundSelect[int], *,
                 scanning: bool = False) -> set[int] | None:
    """The keys that a statement gives; None if there are more than `COUNTED`. They are counted first, where they are:
    to bring ten thousand here, only to see that they are too many, takes longer than all else. What takes long to find
    (`scanning`) is not looked for twice."""
    if not scanning:
        return set(connection.scalars(statement)) if count(connection, statement) <= COUNTED else None
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
    meant = select(_i.key).where(*many.columns)
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

"""An instance as it is, and as it was: where its tokens are, the way they took, and its history in parts.

Moments of the past are counted by the history: moment 17 is when the 17th element was entered. What was saved together
happened at once, so the variables of a moment are those at the end of its transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, true

from engine import schema
from engine.live import POSITIONS
from engine.queries import things, variable_history
from engine.queries.definitions import ElementCount
from engine.queries.scopes import AROUND
from engine.queries.things import ElementRow
from engine.states import ElementState

if TYPE_CHECKING:
    from engine.engine import Engine

_e = schema.element_instances.c
_n = schema.incidents.c

INNERMOST = 200
"""Tokens that are told of one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRow(ElementRow):
    """One element instance, and its place in the history."""

    position: int

    @property
    def revision(self) -> int:
        """The number of the transaction in which it was entered."""
        return self.position >> POSITIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One moment of an instance: when its element number `number` of `total` was entered, or a time after that.

    `inside` are the keys of the element instances that it is in the midst of: that one, and the scopes around it; none
    if the moment is a time. `revision` is that of the last transaction up to it.
    """

    number: int
    total: int
    entered: HistoryRow
    at: datetime
    revision: int
    inside: frozenset[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """Where the tokens are, how often each element was completed, and how often each sequence flow was taken."""

    tokens: tuple[ElementCount, ...]
    completed: Mapping[str, int]
    flows: Mapping[str, int]


_HISTORY = things.ELEMENTS.add_columns(_e.position)


def total(connection: Connection, key: int) -> int:
    """How many elements an instance has entered."""
    statement = select(func.count()).select_from(schema.element_instances).where(_e.instance_key == key)
    return connection.scalar(statement) or 0


def count_before(engine: Engine, key: int, position: int | None) -> int:
    """How many elements an instance has entered before a position of its history; None: in all."""
    with engine.read() as connection:
        if position is None:
            return total(connection, key)
        statement = select(func.count()).select_from(schema.element_instances).where(
            _e.instance_key == key, _e.position < position)
        return connection.scalar(statement) or 0


def moment(engine: Engine, key: int, *, number: int | None = None, at: datetime | None = None) -> Moment | None:
    """Moment `number` of an instance, or the last one up to a time; the nearest one there is. None if it has none."""
    with engine.read() as connection:
        entered = total(connection, key)
        if number is None:
            until = select(func.count()).select_from(schema.element_instances).where(
                _e.instance_key == key, _e.started_at <= at)
            number = connection.scalar(until) or 0
        number = min(max(number, 1), entered)
        nth = _HISTORY.where(_e.instance_key == key).order_by(_e.position).limit(1).offset(max(number - 1, 0))
        found = connection.execute(nth).one_or_none()
        if found is None:
            return None
        row = HistoryRow(**found._mapping)
        if at is not None and at > row.started_at:
            return Moment(number=number, total=entered, entered=row, at=at, inside=frozenset(),
                          revision=max(row.revision, variable_history.revision_at(connection, key, at)))
        inside = [row.key]
        scope: int | None = row.scope_key
        while scope is not None and scope != key:
            inside.append(scope)
            scope = connection.scalar(AROUND, {"key": scope})
    return Moment(number=number, total=entered, entered=row, at=row.started_at, revision=row.revision,
                  inside=frozenset(inside))


def path(engine: Engine, key: int, moment: Moment | None = None) -> Path:
    """Where an instance is and which way it took, now or at a moment."""
    here: ColumnElement[Any] = _e.state == ElementState.ACTIVE.value
    until: ColumnElement[bool] = true()
    if moment is not None:
        here, until = _was_there(moment), _e.position <= moment.entered.position
    statement = (
        select(_e.element_id, _e.flow_id, _e.state, here.label("here"), func.count().label("times"))
        .where(_e.instance_key == key, until)
        .group_by(_e.element_id, _e.flow_id, _e.state, "here")
    )
    tokens: dict[str, int] = {}
    completed: dict[str, int] = {}
    flows: dict[str, int] = {}
    with engine.read() as connection:
        failed = _incidents(connection, key, moment)
        for row in connection.execute(statement):
            if row.flow_id is not None:
                flows[row.flow_id] = flows.get(row.flow_id, 0) + row.times
            if row.here:
                tokens[row.element_id] = tokens.get(row.element_id, 0) + row.times
            elif row.state == ElementState.COMPLETED.value:
                completed[row.element_id] = completed.get(row.element_id, 0) + row.times
    counts = tuple(ElementCount(element_id=element, tokens=count, incidents=failed.get(element, 0))
                   for element, count in tokens.items())
    return Path(tokens=counts, completed=completed, flows=flows)


def entries(engine: Engine, key: int, *, limit: int, moment: Moment | None = None,
            before: int | None = None) -> tuple[HistoryRow, ...]:
    """A part of the history in order: the newest `limit` rows, up to a moment or before a position."""
    statement = _HISTORY.where(_e.instance_key == key).order_by(_e.position.desc()).limit(limit)
    if moment is not None:
        statement = statement.where(_e.position <= moment.entered.position)
    if before is not None:
        statement = statement.where(_e.position < before)
    with engine.read() as connection:
        rows = [HistoryRow(**row._mapping) for row in connection.execute(statement)]
    return tuple(_as_it_was(row, moment) if moment is not None else row for row in reversed(rows))


def tokens(engine: Engine, key: int, moment: Moment | None = None, *, element: str = "") -> tuple[HistoryRow, ...]:
    """The element instances that are, or were, active, in order, at most `INNERMOST`; those inside others, too. With
    `element` only those of that one."""
    here = _e.state == ElementState.ACTIVE.value
    if moment is not None:
        here = and_(_e.position <= moment.entered.position, _was_there(moment))
    if element:
        here = and_(here, _e.element_id == element)
    statement = _HISTORY.where(_e.instance_key == key, here).order_by(_e.position).limit(INNERMOST)
    with engine.read() as connection:
        rows = [HistoryRow(**row._mapping) for row in connection.execute(statement)]
    return tuple(_as_it_was(row, moment) if moment is not None else row for row in rows)


def around(engine: Engine, rows: Collection[HistoryRow]) -> dict[int, HistoryRow]:
    """The sub-processes and bodies around some element instances, by their keys."""
    found: dict[int, HistoryRow] = {}
    wanted = {row.scope_key for row in rows}
    with engine.read() as connection:
        while wanted:
            inner = {row.key: HistoryRow(**row._mapping)
                     for row in connection.execute(_HISTORY.where(_e.key.in_(wanted)))}
            found |= inner
            wanted = {row.scope_key for row in inner.values()} - found.keys()
    return found


def variables(engine: Engine, key: int, moment: Moment) -> dict[tuple[int, str], Any]:
    """The variables of an instance at a moment, by scope key and name: of its own scope, and of those then open."""
    with engine.read() as connection:
        found = variable_history.values_at(connection, key, moment.revision)
        scopes = {scope for scope, _ in found} - {key}
        there = set(connection.scalars(
            select(_e.key).where(_e.key.in_(scopes), _e.position <= moment.entered.position, _was_there(moment))
        )) if scopes else set()
    return {place: value for place, value in found.items() if place[0] == key or place[0] in there}


def _was_there(moment: Moment) -> ColumnElement[bool]:
    # The end of an element has no place in the history, only a time: one that ended in the transaction of the moment
    # is over, unless the moment is inside it.
    return or_(_e.ended_at.is_(None), _e.ended_at > moment.at, _e.key.in_(list(moment.inside)))


def _as_it_was(row: HistoryRow, moment: Moment) -> HistoryRow:
    if row.ended_at is None or row.ended_at > moment.at or row.key in moment.inside:
        return replace(row, state=ElementState.ACTIVE.value, ended_at=None, incident_key=None)
    return row


def _incidents(connection: Connection, key: int, moment: Moment | None) -> dict[str, int]:
    statement = select(_n.element_id, func.count()).where(_n.instance_key == key).group_by(_n.element_id)
    if moment is None:
        statement = statement.where(_n.resolved_at.is_(None), _n.state == "ACTIVE")
    else:
        statement = statement.where(_n.created_at <= moment.at,
                                    or_(_n.resolved_at.is_(None), _n.resolved_at > moment.at))
    return {row[0]: row[1] for row in connection.execute(statement)}

"""Searches for instances that a caller composes, in the orders of their lists: as fast with many as with few.

See `engine.queries.criteria` for what a search is, and `engine.queries.orders` for how an order is found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, ColumnElement, Connection, or_, select

from engine import schema
from engine.database import Database
from engine.queries import merging, orders
from engine.queries.criteria import Criterion, Search, Searchable, beyond, condition
from engine.queries.narrowing import READ_BY_INDEX, Narrowed
from engine.queries.paging import COUNTED, MAX_LIMIT, count
from engine.queries.walking import Asked
from engine.states import ElementState, InstanceState
from engine.wording import must_be_led, not_by_index, one_of

if TYPE_CHECKING:
    from engine.engine import Engine

_i, _d = schema.instances.c, schema.definitions.c

OF_DEFINITION: Mapping[str, ColumnElement[Any]] = {
    "process_id": _d.process_id, "version": _d.version, "tenant_id": _d.tenant_id, "definition_key": _d.key,
    "process_name": _d.name, "version_tag": _d.version_tag,
}
"""Fields that a definition tells of its instances."""

SORTS: Mapping[str, orders.Find] = {
    **{name: orders.SORTS[name] for name in ("key", "started_at", "ended_at", "business_id", "parent_key")},
    **{name: orders.by_definition(column) for name, column in OF_DEFINITION.items()},
}
AFTER = {"key": _i.key, "started_at": _i.started_at}
"""Sorts that a search can go on in after a place."""


def of_definition(_: Database, criterion: Criterion) -> ColumnElement[bool]:
    """A condition on what a definition tells, by the one index that has all of these."""
    return _i.definition_key.in_(select(_d.key).where(condition(OF_DEFINITION[criterion.field], criterion)))


@dataclass(frozen=True, slots=True)
class _Parts:
    """What some criteria say: definitions (None: all), states, and the criteria that neither tells."""

    definitions: Sequence[int] | None
    states: tuple[str, ...]
    others: list[Criterion]

    @classmethod
    def of(cls, criteria: Sequence[Criterion], connection: Connection) -> _Parts:
        told = [condition(OF_DEFINITION[each.field], each) for each in criteria if each.field in OF_DEFINITION]
        states, others = {*merging.ALL_STATES}, []
        for each in criteria:
            if each.field in OF_DEFINITION:
                continue
            meant = _states(each)
            if meant is None:
                others.append(each)
            else:
                states &= meant
                if each.field == "element":
                    others.append(each)
                if each.field == "standing" and InstanceState.ACTIVE in meant:
                    others.append(Criterion("suspended_at", "exists", False))
        definitions = tuple(connection.scalars(select(_d.key).where(*told))) if told else None
        return cls(definitions, tuple(state for state in merging.ALL_STATES if state in states), others)


def _states(criterion: Criterion) -> set[str] | None:
    """The states that a criterion lets through, if it says no more than that."""
    if criterion.field == "element":
        is_active = Criterion("state", "eq", ElementState.ACTIVE.value) in criterion.value
        return {InstanceState.ACTIVE.value} if is_active else None
    if criterion.field == "ended_at" and criterion.operator == "exists":
        ended = {*merging.ALL_STATES} - {InstanceState.ACTIVE.value}
        return ended if criterion.value else {InstanceState.ACTIVE.value}
    if criterion.field not in ("state", "standing") or criterion.operator not in ("eq", "in"):
        return None
    wanted = [criterion.value] if criterion.operator == "eq" else list(criterion.value)
    if criterion.field == "standing" and InstanceState.ACTIVE in wanted and len(wanted) > 1:
        # Not those that are suspended, but all others that have ended.
        return None
    return {*wanted} if {*wanted} <= {*merging.ALL_STATES} else None


def keys(engine: Engine, connection: Connection, what: Searchable[Any], query: Search,
         few: Sequence[int] | None) -> list[int] | None:
    """The keys of the part that a search asks for; None if it sorts by what no list is sorted by, or goes on from a
    place in another way. `few` are the keys of all that match, if these are known."""
    sort = list(query.sort) or [("key", False)]
    name, descending = sort[0]
    if len(sort) > 1 or name not in SORTS or query.alternatives or query.before is not None or (
            query.after is not None and name not in AFTER):
        return None
    if few is not None and query.after is not None:
        return None
    meant = _narrowed(engine, connection, what, query, few)
    if query.after is not None:
        column, (after, place) = AFTER[name], beyond(what, query)
        edge = column <= place[0] if descending else column >= place[0]
        meant = replace(meant, others=(*meant.others, after), columns=(*meant.columns, after),
                        leading={column.key: edge})
    asked = Asked(connection, meant, descending, engine.clock(), thorough=True)
    return SORTS[name](asked, min(query.limit, MAX_LIMIT), 0 if query.after is not None else query.offset)


def _narrowed(engine: Engine, connection: Connection, what: Searchable[Any], query: Search,
              few: Sequence[int] | None) -> Narrowed:
    if few is not None:
        return Narrowed(few, (), (), None, len(few))
    parts = _Parts.of(query.criteria, connection)

    def plain(column: ColumnElement[Any]) -> ColumnElement[Any]:
        return not_by_index(column, connection) if isinstance(column, Column) else column

    plainly = replace(what, fields={name: plain(column) for name, column in what.fields.items()})
    others = tuple(plainly.where(engine.database, parts.others))
    base = [] if parts.definitions is None else [one_of(_i.definition_key, parts.definitions, connection)]
    told = [] if parts.definitions is None else [one_of(plain(_i.definition_key), parts.definitions, connection)]
    if len(parts.states) < len(merging.ALL_STATES):
        base.append(or_(*map(merging.in_state, parts.states)))
        told.append(plain(_i.state).in_(parts.states))
    by_index = bool(base) and must_be_led(connection) and bool(others) and count(
        connection, select(_i.key).where(*base), READ_BY_INDEX) <= READ_BY_INDEX
    ended = InstanceState.ACTIVE not in parts.states
    return Narrowed(
        None, (*told, *others), (), "ended" if ended else "live" if len(parts.states) == 1 else None,
        COUNTED + 1,
        definitions=parts.definitions, states=parts.states, others=others, found_by=tuple(base) if by_index else (),
        pairs=merging.pairs(connection, parts.definitions, parts.states) if base else None)



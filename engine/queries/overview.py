"""The state of everything, in numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import and_, func, literal, select

from engine import schema
from engine.queries import conditions
from engine.queries.paging import COUNTED

if TYPE_CHECKING:
    from engine.engine import Engine

_i = schema.instances.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """How many instances are what (`engine.queries.conditions.STATES`); one may be counted several times. More than
    `engine.queries.paging.COUNTED` means that there are more than that."""

    active: int
    waiting: int
    retrying: int
    stalled: int
    in_doubt: int
    held: int
    incident: int
    snoozed: int
    suspended: int
    completed: int
    terminated: int


def overview(engine: Engine, *, ended_from: datetime | None = None, process_id: str | None = None) -> Overview:
    """The counts. `ended_from` limits completed and terminated to those that ended since."""
    now = engine.clock()
    columns = []
    for state in conditions.STATES:
        condition, order = conditions.condition(state, now), []
        if ended_from is not None and state in ("completed", "terminated"):
            # Not by the index of states, which has all that ever ended.
            condition = and_(_i.state.concat("") == state.upper(), _i.ended_at >= ended_from)
            # In the order of the one that begins with the end: SQLite would go through all of another one, which has
            # the state, too.
            order = [_i.ended_at]
        statement = select(literal(1)).where(condition).order_by(*order).select_from(schema.instances)
        if process_id is not None:
            statement = statement.where(_i.process_id == process_id)
        counted = select(func.count()).select_from(statement.limit(COUNTED + 1).subquery())
        columns.append(counted.scalar_subquery().label(state))
    with engine.read() as connection:
        return Overview(**connection.execute(select(*columns)).one()._mapping)

"""What a test asks of an instance, read from the history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from engine import schema
from engine.engine import Engine
from engine.states import ElementState

_e = schema.element_instances.c
_v = schema.variables.c

HISTORY = select(_e.key, _e.scope_key, _e.element_id, _e.state, _e.flow_id)
TOP_VARIABLES = select(_v.name, _v.value)


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit to an element, and the sequence flow that led to it."""

    key: int
    scope_key: int
    element_id: str
    state: str
    flow_id: str | None


def history(engine: Engine, instance_key: int) -> list[Visit]:
    """The element instances of an instance, in the order in which they began."""
    with engine.read() as connection:
        return _history(connection, instance_key)


def waiting(visits: list[Visit]) -> list[Visit]:
    """Those that are active and contain no other active one."""
    active = [visit for visit in visits if visit.state == ElementState.ACTIVE]
    scopes = {visit.scope_key for visit in active}
    return [visit for visit in active if visit.key not in scopes]


def variables(engine: Engine, instance_key: int) -> dict[str, Any]:
    """The variables at the top of an instance, by name."""
    statement = TOP_VARIABLES.where(_v.instance_key == instance_key, _v.scope_key == instance_key).order_by(_v.name)
    with engine.read() as connection:
        return {row.name: row.value for row in connection.execute(statement)}


def _history(connection: Connection, instance_key: int) -> list[Visit]:
    rows = connection.execute(HISTORY.where(_e.instance_key == instance_key).order_by(_e.position))
    return [Visit(*row) for row in rows]

"""Which effects outside may happen once more if an instance goes on from an element of its past."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import Connection, and_, bindparam, or_, select

from bpmn.onward import onward
from engine import schema
from engine.errors import InvalidInput, NotFound
from engine.queries.effects import EFFECTS, EffectRow
from engine.states import EffectState

if TYPE_CHECKING:
    from engine.engine import Engine

_i, _e, _j = schema.instances.c, schema.element_instances.c, schema.jobs.c
INSTANCE = select(_i.definition_key, _i.root_key).where(_i.key == bindparam("key"))
FAMILY = (
    select(_i.key, _i.parent_key, _e.element_id)
    .join(schema.element_instances, _e.key == _i.parent_element_instance_key)
    .where(_i.root_key == bindparam("root_key")).order_by(_i.depth)
)
"""The instances that others called, each with the call activity."""
DONE = (EffectState.CONFIRMED.value, EffectState.SENT.value, EffectState.IN_DOUBT.value)
"""What happened outside, or may have."""


def repeated(engine: Engine, key: int, elements: Sequence[str]) -> list[EffectRow]:
    """The effects of an instance, and of what it called, that may repeat if a token is put at `elements`: those of
    every element that can be reached from there, unless compensation has undone them. The oldest first.

    Raises NotFound; InvalidInput if the process does not have such an element.
    """
    with engine.read() as connection:
        return repeated_on(engine, connection, key, elements)


def repeated_on(engine: Engine, connection: Connection, key: int, elements: Sequence[str]) -> list[EffectRow]:
    """The same, as one connection sees it."""
    row = connection.execute(INSTANCE, {"key": key}).first()
    if row is None:
        raise NotFound(f"Expected to find a process instance with key {key}, but there is none.")
    process = engine.programs.get(connection, row.definition_key).process
    for element in elements:
        if element not in process.elements:
            raise InvalidInput(f"Expected process {process.id!r} to have an element {element!r}, but it has none.")
    ahead = onward(process, elements)
    called = _called(connection, key, row.root_key, ahead)
    statement = EFFECTS.where(
        or_(and_(_j.instance_key == key, _j.element_id.in_(ahead)), _j.instance_key.in_(called)),
        _j.effect.in_(DONE), _j.compensated_by.is_(None),
    ).order_by(_j.sent_at, _j.key)
    return [EffectRow(**found) for found in connection.execute(statement).mappings()]


def _called(connection: Connection, key: int, root_key: int, elements: Collection[str]) -> set[int]:
    """The instances that were called at one of some elements, and all that those called."""
    found: set[int] = set()
    for each in connection.execute(FAMILY, {"root_key": root_key}):     # callers before those that they called
        if each.parent_key in found or (each.parent_key == key and each.element_id in elements):
            found.add(each.key)
    return found

"""Where the instances are that a filter lets through: how many tokens each element has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, literal, select

from engine import schema
from engine.queries import instances
from engine.queries.definitions import ElementCount
from engine.queries.instances import InstanceFilter
from engine.states import ElementState

if TYPE_CHECKING:
    from engine.engine import Engine

_e, _i = schema.element_instances.c, schema.instances.c


def tokens(engine: Engine, filter: InstanceFilter) -> tuple[ElementCount, ...]:
    """The elements with tokens of these instances, and how many; incidents are not counted."""
    with engine.read() as connection:
        meant = select(_i.key).where(*instances.where(filter, engine.clock(), connection))
        found = connection.execute(
            select(_e.element_id, func.count().label("tokens"))
            .where(_e.state == literal(ElementState.ACTIVE.value), _e.instance_key.in_(meant))
            .group_by(_e.element_id).order_by(_e.element_id)).all()
    return tuple(ElementCount(element_id=row.element_id, tokens=row.tokens, incidents=0) for row in found)

"""Who is later than nearly all were, as conditions of statements (see `engine.durations`)."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Select, and_, literal, literal_column, select

from engine import schema
from engine.states import ElementState

_i, _e, _d = schema.instances.c, schema.element_instances.c, schema.element_durations.c

_LATE = and_(
    _d.definition_key == _e.definition_key, _d.element_id == _e.element_id, _e.started_at < _d.late_before,
    # Written out, as in the index of what is open.
    _e.state == literal_column(f"'{ElementState.ACTIVE}'"),
)


def late_instances() -> Select[int]:
    """The keys of the instances that have a token somewhere for longer than 99 of 100 were there."""
    return select(_e.instance_key).join(schema.element_durations, _LATE)


def late_instance() -> ColumnElement[bool]:
    """Whether the one instance has, to be asked of few, one by one."""
    return select(literal(1)).select_from(schema.element_instances).join(schema.element_durations, _LATE).where(
        _e.instance_key == _i.key).exists()

"""What a waiting worker needs to know before it asks for jobs."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, func, select

from engine import schema
from engine.states import JobState

if TYPE_CHECKING:
    from engine.engine import Engine

_j = schema.jobs.c

NEXT = select(func.min(_j.due_at)).where(
    _j.state == JobState.CREATED.value, ~_j.suspended, _j.type == bindparam("type")
)


def next_due(engine: Engine, type: str) -> datetime | None:
    """When a job of this type may be taken next, perhaps in the past; None if there is none to be taken.

    It only reads, so that many may ask at once without being in the way of each other.
    """
    with engine.read() as connection:
        found: datetime | None = connection.scalar(NEXT, {"type": type})
    return found

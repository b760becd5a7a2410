"""What a waiting worker needs to know before it asks for jobs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import and_, bindparam, func, or_, select

from engine import schema
from engine.work.filters import TO_HAND_OUT, JobFilter

if TYPE_CHECKING:
    from engine.engine import Engine

_j = schema.jobs.c

_NEXT = select(func.min(_j.due_at)).where(
    # What is held is not handed out: a poll that took it for due would look for it again and again.
    TO_HAND_OUT, _j.type.not_in(select(schema.holds.c.service)),
)
NEXT = _NEXT.where(_j.type == bindparam("type"))
DUE = select(_j.due_at).where(
    TO_HAND_OUT, _j.type == bindparam("type"), _j.type.not_in(select(schema.holds.c.service)),
    _j.due_at <= bindparam("now"),
).limit(1)


def next_due(engine: Engine, type: str, only: JobFilter | None = None) -> datetime | None:
    """When a job of this type may be taken next, perhaps in the past; None if there is none to be taken.

    It only reads, so that many may ask at once without being in the way of each other.
    """
    with engine.read() as connection:
        # The first that is due will do; only where none is, the rest is looked through for the soonest.
        due, soonest = DUE, NEXT
        if only is not None:
            due, soonest = (statement.where(*only.conditions()) for statement in (DUE, NEXT))
        found: datetime | None = connection.scalar(due, {"type": type, "now": engine.clock()})
        if found is None:
            found = connection.scalar(soonest, {"type": type})
    return found


def next_due_of_any(engine: Engine, wanted: Iterable[tuple[str, JobFilter | None]]) -> datetime | None:
    """When a job may be taken next that is of one of these types and passes the filter beside it."""
    conditions = [and_(_j.type == type, *(filter.conditions() if filter else ())) for type, filter in wanted]
    with engine.read() as connection:
        found: datetime | None = connection.scalar(_NEXT.where(or_(*conditions)))
    return found

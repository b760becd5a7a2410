"""What changed since a moment: for whoever comes back, or takes over a shift."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Table, distinct, func, literal, literal_column, select

from engine import schema
from engine.fingerprints import normalise
from engine.queries.failures import OPEN
from engine.states import IncidentState, InstanceState

if TYPE_CHECKING:
    from engine.engine import Engine

MOST = 10_000
"""Counted up to here: an answer after a holiday must not read everything."""

_n, _i, _a = schema.incidents.c, schema.instances.c, schema.audit.c


MOST_RECOVERED = 20
"""So many kinds of failure are named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """A kind of failure that had open incidents and has none now. `message` is one of theirs; the last of its
    `incidents` was over at `at`, by success or because the instance was cancelled."""

    fingerprint: str
    message: str
    incidents: int
    at: datetime

    @property
    def pattern(self) -> str:
        """The message without what differs from case to case."""
        return normalise(self.message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What happened since `since`. `new_failures`: kinds of failure never seen before then; `failed`: incidents that
    were opened, `unresolved` those of them that still are; `resolved`: incidents that were. `acts` are entries of
    other people in the audit trail. A count above `MOST` means that there are more than that."""

    since: datetime
    new_failures: int
    failed: int
    unresolved: int
    resolved: int
    started: int
    completed: int
    terminated: int
    acts: int


def changes(engine: Engine, since: datetime, *, but_for: str | None = None) -> Changes:
    """Count what happened since. `but_for` is who asks, whose own acts are no news to them."""
    ended = (_i.ended_at.is_not(None), _i.ended_at >= since)
    # Not by the index of states, which has all that ever ended.
    state = _i.state.concat("")
    others = (_a.actor != but_for,) if but_for is not None else ()
    earlier = schema.incidents.alias("earlier")
    known = select(literal(1)).where(
        earlier.c.fingerprint == _n.fingerprint, earlier.c.created_at < since).exists()
    fresh = select(_n.fingerprint).where(_n.created_at >= since, _n.fingerprint != "", ~known).limit(MOST).subquery()
    counted = {
        "failed": _count(schema.incidents, _n.created_at >= since),
        "unresolved": _count(schema.incidents, _n.created_at >= since, OPEN),
        "resolved": _count(schema.incidents, _n.resolved_at.is_not(None), _n.resolved_at >= since),
        "started": _count(schema.instances, _i.started_at >= since),
        "completed": _count(schema.instances, *ended, state == InstanceState.COMPLETED.value, by=_i.ended_at),
        "terminated": _count(schema.instances, *ended, state == InstanceState.TERMINATED.value, by=_i.ended_at),
        "acts": _count(schema.audit, _a.at >= since, *others),
        "new_failures": select(func.count(distinct(fresh.c.fingerprint))).scalar_subquery(),
    }
    with engine.read() as connection:
        row = connection.execute(select(*(counts.label(name) for name, counts in counted.items()))).one()
    return Changes(since=since, **row._mapping)


def recovered(engine: Engine, since: datetime, *, limit: int = MOST_RECOVERED) -> tuple[Recovered, ...]:
    """The kinds of failure that had open incidents at `since` and have none now, the latest to recover first."""
    over = select(_n.fingerprint, _n.message, _n.resolved_at).where(
        _n.resolved_at.is_not(None), _n.resolved_at >= since, _n.created_at < since, _n.fingerprint != "",
    ).limit(MOST).subquery("over")
    still = schema.incidents.alias("still")
    # Written out, as in the index of what is open.
    is_open = still.c.state == literal_column(f"'{IncidentState.ACTIVE}'")
    kinds = (
        select(over.c.fingerprint, func.max(over.c.message).label("message"), func.count().label("incidents"),
               func.max(over.c.resolved_at).label("at"))
        .group_by(over.c.fingerprint).subquery("kinds")
    )
    statement = select(kinds).where(
        ~select(literal(1)).where(still.c.fingerprint == kinds.c.fingerprint, is_open).exists(),
    ).order_by(kinds.c.at.desc(), kinds.c.fingerprint).limit(limit)
    with engine.read() as connection:
        return tuple(Recovered(**row._mapping) for row in connection.execute(statement))


def _count(table: Table, *conditions: ColumnElement[bool], by: ColumnElement[Any] | None = None) -> Any:
    """How many rows there are. `by` leads to the index that begins with it."""
    order = () if by is None else (by,)
    limited = select(literal(1)).select_from(table).where(*conditions).order_by(*order).limit(MOST + 1).subquery()
    return select(func.count()).select_from(limited).scalar_subquery()

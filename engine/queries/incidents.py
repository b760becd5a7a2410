"""Incidents and who takes care of them: found by everything that people narrow a list by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, and_, func, literal, or_, select

from engine import schema
from engine.errors import InvalidInput, NotFound
from engine.fingerprints import normalise
from engine.queries.failures import OPEN
from engine.queries.paging import Page, count, page
from engine.states import IncidentState

if TYPE_CHECKING:
    from engine.engine import Engine

STATES = ("open", "snoozed", "resolved", "all")
"""What a list may have: what calls for people, what is snoozed until later, what is over, everything."""
SORTS = ("created_at", "process_id", "assignee", "snoozed_until")

_n, _i, _d, _j = schema.incidents.c, schema.instances.c, schema.definitions.c, schema.jobs.c
_o = schema.incident_notes.c


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentFilter:
    """What a list of incidents is narrowed by. `state` is one of `STATES`; `acknowledged` None: both; `assignee` "":
    nobody's; `error` is a text in the message."""

    state: str = "open"
    acknowledged: bool | None = None
    assignee: str | None = None
    fingerprint: str | None = None
    process_id: str | None = None
    tenant_id: str | None = None
    element_id: str | None = None
    type: str | None = None
    instance_key: int | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaredIncident:
    """One incident, where it is, and who takes care of it. `service` is the one whose job failed; `notes` counts."""

    key: int
    instance_key: int
    element_instance_key: int
    job_key: int | None
    definition_key: int
    process_id: str
    process_name: str | None
    element_id: str
    tenant_id: str
    business_id: str | None
    service: str | None
    type: str
    message: str
    state: str
    created_at: datetime
    resolved_at: datetime | None
    fingerprint: str
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    assignee: str | None
    snoozed_until: datetime | None
    ticket: str | None
    notes: int

    @property
    def pattern(self) -> str:
        """The message without what differs from case to case."""
        return normalise(self.message)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteRow:
    """What somebody wrote about an incident."""

    key: int
    incident_key: int
    author: str
    message: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many incidents are in which state; more than `engine.queries.paging.COUNTED` means that there are more."""

    open: int
    snoozed: int


INCIDENTS = (
    select(
        _n.key, _n.instance_key, _n.element_instance_key, _n.job_key, _n.definition_key, _n.process_id,
        _d.name.label("process_name"), _n.element_id, _n.tenant_id, _i.business_id, _j.type.label("service"), _n.type,
        _n.message, _n.state, _n.created_at, _n.resolved_at, _n.fingerprint, _n.acknowledged_at, _n.acknowledged_by,
        _n.assignee, _n.snoozed_until, _n.ticket,
        select(func.count()).where(_o.incident_key == _n.key).correlate(schema.incidents).scalar_subquery()
        .label("notes"),
    )
    .select_from(
        schema.incidents.join(schema.instances, _i.key == _n.instance_key)
        .join(schema.definitions, _d.key == _n.definition_key).outerjoin(schema.jobs, _j.key == _n.job_key)
    )
)


def search(engine: Engine, filter: IncidentFilter, *, sort: str = "-created_at", limit: int = 50,
           offset: int = 0) -> Page[CaredIncident]:
    """The incidents that the filter lets through. Raises InvalidInput for another state or order."""
    column = sort.removeprefix("-")
    if column not in SORTS:
        raise InvalidInput(f"Expected an order by one of {', '.join(SORTS)}, but found {sort[:40]!r}.")
    order = _n[column].desc() if sort.startswith("-") else _n[column].asc()
    statement = INCIDENTS.where(*conditions(filter, engine.clock())).order_by(order.nulls_last(), _n.key.desc())
    with engine.read() as connection:
        return page(connection, statement, CaredIncident, limit, offset)


def get(engine: Engine, key: int) -> CaredIncident:
    """One incident; raises NotFound."""
    with engine.read() as connection:
        row = connection.execute(INCIDENTS.where(_n.key == key)).first()
    if row is None:
        raise NotFound(f"Expected to find an incident with key {key}, but there is none.")
    return CaredIncident(**row._mapping)


def of_instance(engine: Engine, instance_key: int, limit: int = 200) -> dict[int, CaredIncident]:
    """The newest incidents of an instance by their keys."""
    statement = INCIDENTS.where(_n.instance_key == instance_key).order_by(_n.key.desc()).limit(limit)
    with engine.read() as connection:
        return {row.key: CaredIncident(**row._mapping) for row in connection.execute(statement)}


def notes(engine: Engine, key: int, limit: int = 500) -> tuple[NoteRow, ...]:
    """What people wrote about an incident, the oldest first."""
    statement = select(_o.key, _o.incident_key, _o.author, _o.message, _o.at).where(
        _o.incident_key == key).order_by(_o.at, _o.key).limit(limit)
    with engine.read() as connection:
        return tuple(NoteRow(**row._mapping) for row in connection.execute(statement))


def counts(engine: Engine) -> Counts:
    """How many incidents call for people, and how many are snoozed."""
    now = engine.clock()
    with engine.read() as connection:
        return Counts(**{
            state: count(connection, select(literal(1)).select_from(schema.incidents).where(_STATES[state](now)))
            for state in ("open", "snoozed")
        })


def conditions(filter: IncidentFilter, now: datetime) -> list[ColumnElement[bool]]:
    """The conditions of a filter on `engine.schema.incidents`. Raises InvalidInput for another state."""
    if filter.state not in STATES:
        raise InvalidInput(f"Expected a state out of {', '.join(STATES)}, but found {filter.state[:40]!r}.")
    found = [] if filter.state == "all" else [_STATES[filter.state](now)]
    for column, value in ((_n.fingerprint, filter.fingerprint), (_n.process_id, filter.process_id),
                          (_n.tenant_id, filter.tenant_id),
                          (_n.element_id, filter.element_id), (_n.type, filter.type),
                          (_n.instance_key, filter.instance_key)):
        if value is not None:
            found.append(column == value)
    if filter.acknowledged is not None:
        found.append(_n.acknowledged_at.is_not(None) if filter.acknowledged else _n.acknowledged_at.is_(None))
    if filter.assignee is not None:
        found.append(_n.assignee == filter.assignee if filter.assignee else _n.assignee.is_(None))
    if filter.error:
        found.append(_n.message.icontains(filter.error, autoescape=True))
    return found


_STATES = {
    "open": lambda now: and_(OPEN, or_(_n.snoozed_until.is_(None), _n.snoozed_until <= now)),
    "snoozed": lambda now: and_(OPEN, _n.snoozed_until.is_not(None), _n.snoozed_until > now),
    "resolved": lambda now: _n.state == IncidentState.RESOLVED.value,
}

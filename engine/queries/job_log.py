"""What became of jobs, event by event: created, an attempt failed, completed, cancelled."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Integer, Text, case, func, literal, null, select, type_coerce, union_all

from engine import schema
from engine.errors import NotFound
from engine.queries.criteria import Searchable
from engine.states import JobState

if TYPE_CHECKING:
    from engine.engine import Engine

CREATED, FAILED, COMPLETED, CANCELED = "CREATED", "FAILED", "COMPLETED", "CANCELED"

_j = schema.jobs.c
_f = schema.job_failures.c
_i = schema.instances.c


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundEvent:
    """One event in the life of a job. `key` is negative for its end, so that it differs from that of its beginning."""

    key: int
    kind: str
    at: datetime
    worker: str | None
    retries: int | None
    message: str | None
    job_key: int
    type: str
    priority: int
    element_id: str
    element_instance_key: int
    instance_key: int
    definition_key: int
    process_id: str
    tenant_id: str
    root_key: int


_nothing = type_coerce(null(), Text())
_OF_JOB = (_j.type, _j.priority, _j.element_id, _j.element_instance_key, _j.instance_key, _j.definition_key,
           _j.process_id, _j.tenant_id)
"""In each part, so that what a search says of jobs is asked where their indexes are."""
_events = union_all(
    select(_j.key, literal(CREATED).label("kind"), _j.created_at.label("at"), _nothing.label("worker"),
           type_coerce(null(), Integer()).label("retries"), _nothing.label("message"), _j.key.label("job_key"),
           *_OF_JOB),
    select(_f.key, literal(FAILED), _f.failed_at, _f.worker, _f.retries, _f.message, _f.job_key, *_OF_JOB)
    .join_from(schema.job_failures, schema.jobs, _j.key == _f.job_key),
    select(-_j.key, case((_j.state == JobState.COMPLETED.value, literal(COMPLETED)), else_=literal(CANCELED)),
           _j.ended_at, _nothing, type_coerce(null(), Integer()), _nothing, _j.key, *_OF_JOB)
    .where(_j.ended_at.is_not(None)),
).subquery("job_events")
_o = _events.c

JOB_EVENTS = Searchable(
    statement=select(*(column for column in _o), _i.root_key).join(schema.instances, _i.key == _o.instance_key),
    make=FoundEvent, key=_o.key, fields={column.name: column for column in _o}, order=(("at", False),),
)

_newest = select(func.max(_f.key)).group_by(_f.job_key)


def details(engine: Engine, job_keys: Collection[int]) -> dict[int, str]:
    """What the last failed attempt of each job had to say at length, by the job's key."""
    if not job_keys:
        return {}
    keys = list(job_keys)
    statement = select(_f.job_key, _f.details).where(
        _f.key.in_(_newest.where(_f.job_key.in_(keys))), _f.details.is_not(None))
    with engine.read() as connection:
        return {row.job_key: row.details for row in connection.execute(statement)}


def details_of_failure(engine: Engine, key: int) -> str | None:
    """What one failed attempt had to say at length; raises NotFound."""
    with engine.read() as connection:
        found = connection.execute(select(_f.details).where(_f.key == key)).one_or_none()
    if found is None:
        raise NotFound(f"Expected to find a failed attempt with key {key}, but there is none.")
    text: str | None = found.details
    return text

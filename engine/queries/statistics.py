"""How many tokens and incidents there are, by definition and by element, and how much was done in a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Select, func, select, true

from engine import schema
from engine.errors import InvalidInput
from engine.states import ElementState, IncidentState, InstanceState

if TYPE_CHECKING:
    from engine.engine import Engine

_i = schema.instances.c
_e = schema.element_instances.c
_n = schema.incidents.c
_v = schema.decision_evaluations.c


@dataclass(frozen=True, slots=True)
class Standing:
    """`tokens` are active instances or element instances; incidents are told apart by whether they are of a job."""

    tokens: int = 0
    job_incidents: int = 0
    other_incidents: int = 0


def of_definitions(engine: Engine) -> dict[int, Standing]:
    """How every definition is doing that has an active instance, by its key."""
    active = (select(_i.definition_key, func.count()).where(_i.state == InstanceState.ACTIVE.value)
              .group_by(_i.definition_key))
    return _standings(engine, active, _incidents(_n.definition_key))


def of_elements(engine: Engine, definition_key: int) -> dict[str, Standing]:
    """How every element of a definition is doing where anything is, by its id."""
    active = (select(_e.element_id, func.count())
              .where(_e.definition_key == definition_key, _e.state == ElementState.ACTIVE.value)
              .group_by(_e.element_id).order_by(_e.element_id))
    return _standings(engine, active, _incidents(_n.element_id).where(_n.definition_key == definition_key))


def _incidents(by: ColumnElement[Any]) -> Select[Any]:
    return (select(by, func.count(_n.job_key), func.count() - func.count(_n.job_key))
            .where(_n.state == IncidentState.ACTIVE.value).group_by(by))


def _standings(engine: Engine, active: Select[Any], incidents: Select[Any]) -> dict[Any, Standing]:
    with engine.read() as connection:
        found = {key: Standing(tokens=count) for key, count in connection.execute(active)}
        for key, of_jobs, others in connection.execute(incidents):
            found[key] = replace(found.get(key, Standing()), job_incidents=of_jobs, other_incidents=others)
    return found


METRICS: Mapping[str, tuple[ColumnElement[datetime], ColumnElement[bool]]] = {
    "activity-instance-start": (_e.started_at, true()),
    "root-process-instance-start": (_i.started_at, _i.parent_key.is_(None)),
    "executed-decision-instances": (_v.evaluated_at, true()),
}
"""What can be summed up: when each happened, and which of them count."""


def metric(engine: Engine, name: str, since: datetime | None = None, before: datetime | None = None) -> int:
    """How often something happened, as far as its history is still kept. Raises InvalidInput for an unknown name."""
    if name not in METRICS:
        raise InvalidInput(f"Expected one of the metrics {', '.join(METRICS)}, but found {name!r}.")
    at, counts = METRICS[name]
    limits = [at >= since] if since is not None else []
    limits += [at < before] if before is not None else []
    with engine.read() as connection:
        return connection.scalar(select(func.count(at)).where(counts, *limits)) or 0

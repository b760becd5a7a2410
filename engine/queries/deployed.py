"""What was deployed: deployments and decisions (processes are in `engine.queries.searches`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import exists, select

from engine import schema
from engine.errors import NotFound
from engine.queries import definitions
from engine.queries.criteria import Searchable

if TYPE_CHECKING:
    from engine.engine import Engine

_p = schema.deployments.c
_d = schema.decisions.c
_r = schema.requirements.c
_newer = schema.decisions.alias("newer_decisions")
_is_latest = ~exists().where(
    _newer.c.decision_id == _d.decision_id, _newer.c.tenant_id == _d.tenant_id, _newer.c.version > _d.version
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundDeployment:
    """One deployment."""

    key: int
    name: str | None
    source: str | None
    tenant_id: str
    deployed_at: datetime
    deployed_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundDecision:
    """One version of a decision, and the requirements graph it stands in."""

    key: int
    decision_id: str
    name: str
    version: int
    requirements_key: int
    requirements_id: str
    requirements_version: int
    resource_name: str
    deployment_key: int
    tenant_id: str
    history_days: int | None


DEPLOYMENTS = Searchable(
    statement=select(_p.key, _p.name, _p.source, _p.tenant_id, _p.deployed_at, _p.deployed_by),
    make=FoundDeployment, key=_p.key, fields={column.name: column for column in schema.deployments.c},
)
DECISIONS = Searchable(
    statement=select(
        _d.key, _d.decision_id, _d.name, _d.version, _d.requirements_key, _r.requirements_id,
        _r.version.label("requirements_version"), _r.resource_name, _r.deployment_key, _d.tenant_id, _d.history_days,
    ).join(schema.requirements, _r.key == _d.requirements_key),
    make=FoundDecision, key=_d.key,
    fields={column.name: column for column in schema.decisions.c} | {
        "requirements_id": _r.requirements_id, "resource_name": _r.resource_name,
        "deployment_key": _r.deployment_key, "latest": _is_latest,
    },
)
_CONTENT = (
    select(schema.resources.c.content)
    .join(schema.requirements, _r.resource_key == schema.resources.c.key)
    .join(schema.decisions, _d.requirements_key == _r.key)
)


def decision_content(engine: Engine, key: int) -> bytes:
    """The DMN file of a decision, exactly as it was deployed; raises NotFound."""
    with engine.read() as connection:
        found: bytes | None = connection.scalar(_CONTENT.where(_d.key == key))
    if found is None:
        raise NotFound(f"Expected to find a decision with key {key}, but there is none.")
    return bytes(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundResource:
    """One file of a deployment."""

    key: int
    name: str
    deployment_key: int


_f = schema.resources.c
_FILES = select(_f.key, _f.name, _f.deployment_key)


def resources(engine: Engine, deployment_key: int) -> tuple[FoundResource, ...]:
    """The files of a deployment that were new with it; raises NotFound."""
    with engine.read() as connection:
        if connection.scalar(select(_p.key).where(_p.key == deployment_key)) is None:
            raise NotFound(f"Expected to find a deployment with key {deployment_key}, but there is none.")
        rows = connection.execute(_FILES.where(_f.deployment_key == deployment_key).order_by(_f.name, _f.key))
        return tuple(FoundResource(**row._mapping) for row in rows)


def resource(engine: Engine, deployment_key: int, key: int) -> tuple[FoundResource, bytes]:
    """One file of a deployment, and its bytes, as far as the reader may see them; raises NotFound."""
    with engine.read() as connection:
        row = connection.execute(_FILES.add_columns(_f.content).where(
            _f.key == key, _f.deployment_key == deployment_key)).one_or_none()
    if row is None:
        raise NotFound(f"Expected to find a file with key {key} in deployment {deployment_key}, but there is none.")
    content = definitions.as_seen(engine, row.key, bytes(row.content))
    return FoundResource(key=row.key, name=row.name, deployment_key=row.deployment_key), content


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRequirements:
    """One version of a decision requirements graph."""

    key: int
    requirements_id: str
    name: str
    version: int
    resource_name: str
    resource_key: int
    deployment_key: int
    tenant_id: str


_newer_graph = schema.requirements.alias("newer_requirements")
REQUIREMENTS = Searchable(
    statement=select(_r.key, _r.requirements_id, _r.name, _r.version, _r.resource_name, _r.resource_key,
                     _r.deployment_key, _r.tenant_id),
    make=FoundRequirements, key=_r.key,
    fields={column.name: column for column in schema.requirements.c} | {
        "latest": ~exists().where(_newer_graph.c.requirements_id == _r.requirements_id,
                                  _newer_graph.c.tenant_id == _r.tenant_id, _newer_graph.c.version > _r.version)},
)

"""Deployed decisions, and what came of evaluating them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, and_, exists, select

from engine import masking, schema
from engine.errors import NotFound
from engine.queries.paging import Page, page
from engine.schema import DEFAULT_TENANT

if TYPE_CHECKING:
    from engine.engine import Engine

_d = schema.decisions.c
_r = schema.requirements.c
_e = schema.decision_evaluations.c
_newer = schema.decisions.alias("newer")
_is_newest = ~exists().where(
    _newer.c.decision_id == _d.decision_id, _newer.c.tenant_id == _d.tenant_id, _newer.c.version > _d.version
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRow:
    """One version of a decision."""

    key: int
    decision_id: str
    name: str
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionVersion:
    """One version of a decision, and the file it stands in."""

    key: int
    decision_id: str
    name: str
    version: int
    version_tag: str | None
    requirements_key: int
    requirements_name: str
    resource_name: str
    deployed_at: datetime
    tenant_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRow:
    """One evaluation of a decision. `instance_key` is None if no instance asked for it."""

    key: int
    decision_key: int
    decision_id: str
    name: str
    version: int
    instance_key: int | None
    element_instance_key: int | None
    evaluated_at: datetime
    output: Any
    error: str | None
    tenant_id: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "output", masking.shown(self.output))


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """One evaluation with everything that is known of it."""

    row: EvaluationRow
    requirements_key: int
    decisions: Sequence[Mapping[str, Any]]
    """Every decision that was evaluated for it, required ones first (`bpmn.dmn.EvaluatedDecision` as JSON)."""
    warnings: Sequence[str]

    def __post_init__(self) -> None:
        object.__setattr__(self, "decisions", masking.shown(self.decisions))


VERSIONS = (
    select(_d.key, _d.decision_id, _d.name, _d.version, _d.version_tag, _d.requirements_key,
           _r.name.label("requirements_name"), _r.resource_name, _r.deployed_at, _d.tenant_id)
    .join(schema.requirements, _r.key == _d.requirements_key)
)
_ROW = (_e.key, _e.decision_key, _e.decision_id, _d.name, _d.version, _e.instance_key, _e.element_instance_key,
        _e.evaluated_at, _e.output, _e.error, _e.tenant_id)
EVALUATIONS = select(*_ROW).join(schema.decisions, _d.key == _e.decision_key)
WHOLE = (
    select(*_ROW, _d.requirements_key, _e.decisions, _e.warnings)
    .join(schema.decisions, _d.key == _e.decision_key)
)
_CONTENT = (
    select(schema.resources.c.content)
    .join(schema.requirements, _r.resource_key == schema.resources.c.key)
)


def of_graph(engine: Engine, requirements_key: int) -> dict[str, DecisionRow]:
    """The decisions of one version of a requirements graph, by their ids."""
    statement = select(_d.key, _d.decision_id, _d.name, _d.version).where(_d.requirements_key == requirements_key)
    with engine.read() as connection:
        return {row.decision_id: DecisionRow(**row._mapping) for row in connection.execute(statement)}


def newest(engine: Engine, *, tenant_id: str | None = None) -> tuple[DecisionVersion, ...]:
    """The newest version of every decision, by name; those of one tenant if it is named."""
    return _versions(engine, _is_newest if tenant_id is None else and_(_is_newest, _d.tenant_id == tenant_id))


def versions(engine: Engine, decision_id: str, *, tenant_id: str = DEFAULT_TENANT) -> tuple[DecisionVersion, ...]:
    """All versions of a decision, the newest first; raises NotFound."""
    found = _versions(engine, and_(_d.decision_id == decision_id, _d.tenant_id == tenant_id))
    if not found:
        raise NotFound(f"Expected decision {decision_id!r} to be deployed, but it is not.")
    return found


def _versions(engine: Engine, condition: ColumnElement[bool]) -> tuple[DecisionVersion, ...]:
    with engine.read() as connection:
        rows = connection.execute(VERSIONS.where(condition).order_by(_d.name, _d.decision_id, _d.version.desc()))
        return tuple(DecisionVersion(**row._mapping) for row in rows)


def evaluations(engine: Engine, *, decision_key: int | None = None, instance_key: int | None = None,
                limit: int = 50, offset: int = 0) -> Page[EvaluationRow]:
    """Evaluations of one version of a decision, or those that an instance asked for; the newest first."""
    statement = EVALUATIONS.order_by(_e.evaluated_at.desc(), _e.key.desc())
    for column, value in ((_e.decision_key, decision_key), (_e.instance_key, instance_key)):
        if value is not None:
            statement = statement.where(column == value)
    with engine.read() as connection:
        return page(connection, statement, EvaluationRow, limit, offset)


def evaluation(engine: Engine, key: int) -> Evaluation:
    """One evaluation; raises NotFound."""
    with engine.read() as connection:
        row = connection.execute(WHOLE.where(_e.key == key)).one_or_none()
    if row is None:
        raise NotFound(f"Expected to find an evaluation with key {key}, but there is none.")
    values = dict(row._mapping)
    more = {name: values.pop(name) for name in ("requirements_key", "decisions", "warnings")}
    return Evaluation(row=EvaluationRow(**values), **more)


def file(engine: Engine, requirements_key: int) -> bytes:
    """The DMN file of a requirements graph, exactly as it was deployed; raises NotFound."""
    with engine.read() as connection:
        content: bytes | None = connection.scalar(_CONTENT.where(_r.key == requirements_key))
    if content is None:
        raise NotFound(f"Expected to find decisions with key {requirements_key}, but there are none.")
    return content

"""Evaluations of decisions, as they are searched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from engine import masking, schema
from engine.queries.criteria import Searchable

_v = schema.decision_evaluations.c
_d = schema.decisions.c
_r = schema.requirements.c
_i = schema.instances.c
_e = schema.element_instances.c


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundEvaluation:
    """One evaluation, and who asked for it: without `instance_key` nobody did but a client.

    `decisions` are all that were evaluated for it, required ones first (`bpmn.dmn.EvaluatedDecision` as JSON).
    """

    key: int
    decision_key: int
    decision_id: str
    name: str
    version: int
    requirements_key: int
    requirements_id: str
    requirements_version: int
    instance_key: int | None
    element_instance_key: int | None
    element_id: str | None
    definition_key: int | None
    process_id: str | None
    root_key: int | None
    tenant_id: str
    evaluated_at: datetime
    output: Any
    decisions: Sequence[Mapping[str, Any]]
    error: str | None

    def __post_init__(self) -> None:
        object.__setattr__(self, "output", masking.shown(self.output))
        object.__setattr__(self, "decisions", masking.shown(self.decisions))


EVALUATIONS = Searchable(
    statement=select(
        _v.key, _v.decision_key, _v.decision_id, _d.name, _d.version, _d.requirements_key, _r.requirements_id,
        _r.version.label("requirements_version"), _v.instance_key, _v.element_instance_key, _e.element_id,
        _i.definition_key, _i.process_id, _i.root_key, _v.tenant_id, _v.evaluated_at, _v.output, _v.decisions, _v.error,
    ).join(schema.decisions, _d.key == _v.decision_key).join(schema.requirements, _r.key == _d.requirements_key)
    .outerjoin(schema.instances, _i.key == _v.instance_key)
    .outerjoin(schema.element_instances, _e.key == _v.element_instance_key),
    make=FoundEvaluation, key=_v.key,
    fields={
        "key": _v.key, "decision_key": _v.decision_key, "decision_id": _v.decision_id, "name": _d.name,
        "requirements_key": _d.requirements_key, "requirements_id": _r.requirements_id,
        "instance_key": _v.instance_key, "element_instance_key": _v.element_instance_key, "element_id": _e.element_id,
        "definition_key": _i.definition_key, "process_id": _i.process_id, "tenant_id": _v.tenant_id,
        "evaluated_at": _v.evaluated_at,
    },
)

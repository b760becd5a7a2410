"""Decisions: deployed with the files that hold them, evaluated for business rule tasks and on request.

A DMN file is one decision requirements graph with a version of its own; so has each decision in it. An evaluation is
kept as history: inputs, the rules that matched, and what came out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select

from bpmn import dmn
from bpmn.dmn import DecisionError, DecisionModel, Outcome
from bpmn.interpreter.failures import DecisionFailed
from bpmn.model import CalledDecision, Problem, Severity
from engine import audit, schema
from engine.errors import InvalidInput, NotFound
from engine.schema import DEFAULT_TENANT

if TYPE_CHECKING:
    from engine.definitions import Resource
    from engine.live import Live
    from engine.rows import AnyRow
    from engine.transaction import Transaction

_d = schema.decisions.c
_r = schema.requirements.c

_FOUND = (
    select(schema.decisions, _r.requirements_id, _r.name.label("requirements_name"), _r.resource_key,
           _r.resource_name, _r.checksum, _r.deployment_key)
    .join(schema.requirements, _r.key == _d.requirements_key)
)
NEWEST = (
    _FOUND.where(_d.decision_id == bindparam("decision_id"), _d.tenant_id == bindparam("tenant_id"))
    .order_by(_d.version.desc()).limit(1)
)
OF_DEPLOYMENT = (
    _FOUND.where(_d.decision_id == bindparam("decision_id"), _d.tenant_id == bindparam("tenant_id"),
                 _r.deployment_key == bindparam("deployment_key")).limit(1)
)
BY_KEY = _FOUND.where(_d.key == bindparam("key"))
NEWEST_GRAPH = (
    select(schema.requirements).where(_r.requirements_id == bindparam("requirements_id"),
                                      _r.tenant_id == bindparam("tenant_id"))
    .order_by(_r.version.desc()).limit(1)
)
OF_GRAPH = select(schema.decisions).where(_d.requirements_key == bindparam("key")).order_by(_d.key)
CONTENTS = (
    select(schema.resources.c.key, schema.resources.c.name, schema.resources.c.content)
    .where(schema.resources.c.deployment_key == bindparam("deployment_key"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployedRequirements:
    """A decision requirements graph of a deployment: what one DMN file holds."""

    key: int
    requirements_id: str
    name: str
    version: int
    resource_name: str
    tenant_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployedDecision:
    """A decision of a deployment. `created` is False if its newest version came from the same bytes already."""

    key: int
    decision_id: str
    name: str
    version: int
    requirements: DeployedRequirements
    deployment_key: int
    created: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """A decision that was evaluated."""

    evaluation_key: int
    decision_key: int
    decision_id: str
    name: str
    version: int
    requirements_key: int
    requirements_id: str
    outcome: Outcome


def is_decision(resource: Resource) -> bool:
    """Whether a file is a DMN model, by its name."""
    return resource.name.lower().endswith(".dmn")


def read(resources: Sequence[Resource]) -> tuple[list[tuple[Resource, DecisionModel]], list[Problem]]:
    """The DMN models among the files, which may import each other, and what is wrong with them."""
    own = [resource for resource in resources if is_decision(resource)]
    models: list[tuple[Resource, DecisionModel]] = []
    problems: list[Problem] = []
    seen: dict[str, str] = {}
    for resource in own:
        others = {other.name: other.content for other in own if other is not resource}
        model, found = dmn.read(resource.content, resource.name, others)
        problems += found
        if model is None:
            continue
        for decision_id in model.decisions:
            before = seen.setdefault(decision_id, resource.name)
            if before != resource.name:
                problems.append(Problem(
                    severity=Severity.ERROR, resource_name=resource.name, element_id=decision_id,
                    message=f"Expected each decision once, but {decision_id!r} is in {before} as well."))
        models.append((resource, model))
    return models, problems


def deploy(tx: Transaction, deployment_key: int, resource: Resource, model: DecisionModel,
           tenant_id: str) -> list[DeployedDecision]:
    """Deploy the decisions of one file. The same bytes as the newest version make no new one."""
    checksum = hashlib.sha256(resource.content).hexdigest()
    graph_id = model.id or resource.name
    newest = tx.connection.execute(NEWEST_GRAPH, {"requirements_id": graph_id, "tenant_id": tenant_id}).first()
    if newest is not None and newest.checksum == checksum:
        graph = DeployedRequirements(key=newest.key, requirements_id=graph_id, name=newest.name,
                                     version=newest.version, resource_name=resource.name, tenant_id=tenant_id)
        return [
            DeployedDecision(key=row.key, decision_id=row.decision_id, name=row.name, version=row.version,
                             requirements=graph, deployment_key=newest.deployment_key, created=False)
            for row in tx.connection.execute(OF_GRAPH, {"key": newest.key})
        ]
    graph = DeployedRequirements(
        key=tx.key(), requirements_id=graph_id, name=model.name or graph_id,
        version=newest.version + 1 if newest else 1, resource_name=resource.name, tenant_id=tenant_id)
    resource_key = tx.key()
    tx.rows.insert(schema.resources, {
        "key": resource_key, "deployment_key": deployment_key, "name": resource.name, "checksum": checksum,
        "content": resource.content,
    })
    tx.rows.insert(schema.requirements, {
        "key": graph.key, "requirements_id": graph_id, "name": graph.name, "version": graph.version,
        "resource_key": resource_key, "resource_name": resource.name, "deployment_key": deployment_key,
        "checksum": checksum, "tenant_id": tenant_id, "deployed_at": tx.now,
    })
    return [_insert(tx, decision_id, decision.name, graph, deployment_key, tenant_id)
            for decision_id, decision in model.decisions.items()]


def _insert(tx: Transaction, decision_id: str, name: str, graph: DeployedRequirements, deployment_key: int,
            tenant_id: str) -> DeployedDecision:
    before = tx.connection.execute(NEWEST, {"decision_id": decision_id, "tenant_id": tenant_id}).first()
    deployed = DeployedDecision(
        key=tx.key(), decision_id=decision_id, name=name or decision_id, version=before.version + 1 if before else 1,
        requirements=graph, deployment_key=deployment_key, created=True)
    tx.rows.insert(schema.decisions, {
        "key": deployed.key, "decision_id": decision_id, "name": deployed.name, "version": deployed.version,
        "requirements_key": graph.key, "tenant_id": tenant_id,
    })
    return deployed


def evaluate(tx: Transaction, decision_id: str | None = None, variables: Mapping[str, Any] | None = None, *,
             decision_key: int | None = None, tenant_id: str = DEFAULT_TENANT) -> Evaluated:
    """Evaluate the newest version of a decision, or the one with the key `decision_key`; kept as history, audited.

    Raises NotFound, InvalidInput (it cannot be evaluated with these variables).
    """
    if decision_key is not None:
        row = tx.first(BY_KEY, {"key": decision_key})
        wanted = f"with key {decision_key}"
    else:
        row = tx.first(NEWEST, {"decision_id": decision_id, "tenant_id": tenant_id})
        wanted = repr(decision_id)
    if row is None:
        raise NotFound(f"Expected to find a decision {wanted}, but there is none.")
    try:
        found = _evaluate(tx, row, variables or {}, None, None)
    except DecisionError as error:
        raise InvalidInput(error.message) from error
    audit.record(tx, "EVALUATE", "DECISION", found.evaluation_key, details={"decision": row.decision_id})
    return found


def evaluate_for(tx: Transaction, live: Live, called: CalledDecision, decision_id: str,
                 variables: Mapping[str, Any], token: int) -> Any:
    """The result of a decision for a business rule task of a running instance.

    Raises `bpmn.interpreter.failures.DecisionFailed`, which becomes an incident.
    """
    what: dict[str, Any] = {"decision_id": decision_id, "tenant_id": live.tenant_id}
    if called.binding == "deployment":
        row = tx.first(OF_DEPLOYMENT, what | {"deployment_key": live.definition.deployment_key})
    else:
        row = tx.first(NEWEST, what)
    if row is None:
        raise DecisionFailed(f"Expected decision {decision_id!r} to be deployed, but it is not.")
    try:
        output = _evaluate(tx, row, variables, live.key, token).outcome.output
    except DecisionError as error:
        raise DecisionFailed(error.message) from error
    return shaped(output, called.map_result)


def shaped(output: Any, shape: str | None) -> Any:
    """A decision's result in the shape that a Camunda 7 diagram asks for (manual: "Mapping of the Decision Result").

    Raises `bpmn.interpreter.failures.DecisionFailed` if it has more results than the shape can hold.
    """
    if shape is None:
        return output
    results = output if isinstance(output, list) else [] if output is None else [output]
    rows = [row if isinstance(row, dict) else {"": row} for row in results]
    if shape == "resultList":
        return results
    if shape == "collectEntries":
        return [next(iter(row.values()), None) for row in rows]
    if len(rows) > 1:
        raise DecisionFailed(f"Expected one result for {shape!r}, but the decision gave {len(rows)}.")
    if not rows:
        return None
    if shape == "singleResult":
        return results[0]
    if len(rows[0]) > 1:
        raise DecisionFailed(f"Expected one output for {shape!r}, but the decision gave {len(rows[0])}.")
    return next(iter(rows[0].values()), None)


def _evaluate(tx: Transaction, row: AnyRow, variables: Mapping[str, Any], instance_key: int | None,
              token: int | None) -> Evaluated:
    model = _model(tx, row)
    key = tx.key()
    failure: DecisionError | None = None
    outcome = Outcome(output=None)
    try:
        outcome = model.evaluate(row.decision_id, variables)
    except DecisionError as error:
        failure = error
    tx.rows.insert(schema.decision_evaluations, {
        "key": key, "decision_key": row.key, "decision_id": row.decision_id, "instance_key": instance_key,
        "element_instance_key": token, "tenant_id": row.tenant_id, "evaluated_at": tx.now,
        "output": outcome.output, "decisions": [asdict(decision) for decision in outcome.decisions],
        "error": failure.message if failure else None,
    })
    if failure is not None:
        raise failure
    return Evaluated(evaluation_key=key, decision_key=row.key, decision_id=row.decision_id, name=row.name,
                     version=row.version, requirements_key=row.requirements_key,
                     requirements_id=row.requirements_id, outcome=outcome)


def _model(tx: Transaction, row: AnyRow) -> DecisionModel:
    """The compiled model that a decision stands in, read once. What it imports was deployed with it."""
    kept = tx.engine.decision_models.get(row.requirements_key)
    if kept is None:
        files = {file.key: file for file in tx.select(CONTENTS, {"deployment_key": row.deployment_key})}
        own = files.pop(row.resource_key)
        others = {file.name: file.content for file in files.values() if file.name.lower().endswith(".dmn")}
        kept, problems = dmn.read(own.content, own.name, others)
        if kept is None:
            raise DecisionError(f"Expected to read {own.name}, but it failed: {problems[0].message}")
        tx.engine.decision_models[row.requirements_key] = kept
    return kept

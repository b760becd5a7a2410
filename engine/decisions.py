"""Decisions: deployed with the files that hold them, evaluated for business rule tasks and on request.

A DMN file is one decision requirements graph with a version of its own; so has each decision in it. An evaluation is
kept as history: inputs, the rules that matched, and what came out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, bindparam, select

from bpmn.dmn import DecisionError, Outcome, map_result
from bpmn.expressions import EvaluationError
from bpmn.interpreter.failures import DecisionFailed
from bpmn.model import CalledDecision
from engine import audit, permits, schema, tenants
from engine.decision_files import DecisionFile, model_of
from engine.errors import InvalidInput, NotFound
from engine.schema import DEFAULT_TENANT

if TYPE_CHECKING:
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
_OF_DECISION = _FOUND.where(_d.decision_id == bindparam("decision_id"), _d.tenant_id == bindparam("tenant_id")).limit(1)
NEWEST = _OF_DECISION.order_by(_d.version.desc())
_deployed_at = (
    select(schema.deployments.c.deployed_at).where(schema.deployments.c.key == bindparam("version")).scalar_subquery()
)
BINDINGS: Mapping[str, Select[Any]] = {
    "latest": NEWEST,
    # A file that did not change keeps its version, and the deployment that it came with before.
    "deployment": _OF_DECISION.where(_r.deployed_at <= _deployed_at).order_by(
        (_r.deployment_key == bindparam("version")).desc(), _d.version.desc()),
    "version": _OF_DECISION.where(_d.version == bindparam("version")),
    "versionTag": NEWEST.where(_d.version_tag == bindparam("version")),
}
"""Which version of a decision a business rule task means (both Camundas' documentation, "Version binding")."""
BY_KEY = _FOUND.where(_d.key == bindparam("key"))
HIGHEST_VERSION = 2**31
NEWEST_GRAPH = (
    select(schema.requirements).where(_r.requirements_id == bindparam("requirements_id"),
                                      _r.tenant_id == bindparam("tenant_id"))
    .order_by(_r.version.desc()).limit(1)
)
OF_GRAPH = select(schema.decisions).where(_d.requirements_key == bindparam("key")).order_by(_d.key)


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
    tenant_id: str = DEFAULT_TENANT


def is_new(tx: Transaction, file: DecisionFile, tenant_id: str) -> bool:
    """Whether a file, or one that it imports, is another one than the newest version came from."""
    newest = tx.connection.execute(NEWEST_GRAPH, {
        "requirements_id": file.requirements_id, "tenant_id": tenant_id}).first()
    return newest is None or newest.checksum != file.checksum


def deploy(tx: Transaction, deployment_key: int, files: Sequence[DecisionFile], tenant_id: str, *,
           anew: bool = False) -> list[DeployedDecision]:
    """Deploy the decisions of all files. The same bytes as the newest version make no new one, unless a file that
    they import changed or all are to be made `anew`."""
    graphs: dict[str, tuple[DeployedRequirements, AnyRow | None]] = {}
    for file in files:
        graphs[file.source.name] = _graph(tx, file, tenant_id, anew)
    deployed: list[DeployedDecision] = []
    for file in files:
        graph, before = graphs[file.source.name]
        if before is not None:
            deployed += [
                DeployedDecision(key=row.key, decision_id=row.decision_id, name=row.name, version=row.version,
                                 requirements=graph, deployment_key=before.deployment_key, created=False)
                for row in tx.connection.execute(OF_GRAPH, {"key": graph.key})
            ]
            continue
        imports = [other.key or graphs[other.name][0].key for other in file.imported]
        _insert_graph(tx, deployment_key, file, graph, imports)
        deployed += [_insert(tx, decision_id, file, graph, deployment_key) for decision_id in file.model.decisions]
    return deployed


def _graph(tx: Transaction, file: DecisionFile, tenant_id: str,
           anew: bool) -> tuple[DeployedRequirements, AnyRow | None]:
    """The graph that a file becomes, and the row of its newest version if it is that."""
    values = {"requirements_id": file.requirements_id, "tenant_id": tenant_id}
    newest = tx.connection.execute(NEWEST_GRAPH, values).first()
    same = newest is not None and newest.checksum == file.checksum and not anew
    graph = DeployedRequirements(
        key=newest.key if newest is not None and same else tx.key(), requirements_id=file.requirements_id,
        name=file.model.name or file.requirements_id, version=newest.version + (not same) if newest is not None else 1,
        resource_name=file.source.name, tenant_id=tenant_id)
    return graph, newest if same else None


def _insert_graph(tx: Transaction, deployment_key: int, file: DecisionFile, graph: DeployedRequirements,
                  imports: list[int]) -> None:
    resource_key = tx.key()
    tx.rows.insert(schema.resources, {
        "key": resource_key, "deployment_key": deployment_key, "name": file.source.name, "checksum": file.checksum,
        "content": file.source.content,
    })
    tx.rows.insert(schema.requirements, {
        "key": graph.key, "requirements_id": graph.requirements_id, "name": graph.name, "version": graph.version,
        "resource_key": resource_key, "resource_name": graph.resource_name, "deployment_key": deployment_key,
        "checksum": file.checksum, "namespace": file.source.namespace, "imports": imports,
        "tenant_id": graph.tenant_id, "deployed_at": tx.now,
    })


def _insert(tx: Transaction, decision_id: str, file: DecisionFile, graph: DeployedRequirements,
            deployment_key: int) -> DeployedDecision:
    decision = file.model.decisions[decision_id]
    before = tx.connection.execute(NEWEST, {"decision_id": decision_id, "tenant_id": graph.tenant_id}).first()
    deployed = DeployedDecision(
        key=tx.key(), decision_id=decision_id, name=decision.name or decision_id,
        version=before.version + 1 if before else 1, requirements=graph, deployment_key=deployment_key, created=True)
    tx.rows.insert(schema.decisions, {
        "key": deployed.key, "decision_id": decision_id, "name": deployed.name, "version": deployed.version,
        "version_tag": decision.version_tag, "requirements_key": graph.key, "tenant_id": graph.tenant_id,
        "history_days": decision.history_ttl_days,
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
        tenants.check(tx, tenant_id)
        row = tx.first(NEWEST, {"decision_id": decision_id, "tenant_id": tenant_id})
        wanted = repr(decision_id) + tenants.within(tenant_id)
    if row is None:
        raise NotFound(f"Expected to find a decision {wanted}, but there is none.")
    permits.check(tx, "evaluate", row.decision_id, row.tenant_id,
                  f"Expected to find a decision {wanted}, but there is none.")
    try:
        found = _evaluate(tx, row, variables or {}, None, None)
    except DecisionError as error:
        raise InvalidInput(error.message) from error
    audit.record(tx, "EVALUATE", "DECISION", found.evaluation_key, details={"decision": row.decision_id},
                 after={"evaluation": str(found.evaluation_key)})
    return found


def evaluate_for(tx: Transaction, live: Live, called: CalledDecision, decision_id: str,
                 variables: Mapping[str, Any], token: int) -> Any:
    """The result of a decision for a business rule task of a running instance.

    Raises `bpmn.interpreter.failures.DecisionFailed`, which becomes an incident.
    """
    row = _called(tx, live, called, decision_id, variables)
    try:
        output = _evaluate(tx, row, variables, live.key, token).outcome.output
        if called.map_result is None:
            return output
        return map_result(model_of(tx, row.requirements_key).decisions[decision_id], output, called.map_result)
    except DecisionError as error:
        raise DecisionFailed(error.message) from error


def _called(tx: Transaction, live: Live, called: CalledDecision, decision_id: str,
            variables: Mapping[str, Any]) -> AnyRow:
    """The decision that a task means by its binding. Raises DecisionFailed."""
    bound: dict[str, Any] = {}
    if called.binding == "deployment":
        bound["version"] = live.definition.deployment_key
    elif called.binding != "latest":
        bound["version"] = _version(called, variables)
    row = tx.first(BINDINGS[called.binding], {"decision_id": decision_id, "tenant_id": live.tenant_id} | bound)
    if row is None:
        which = "" if called.binding == "latest" else f" ({called.binding} {bound['version']})"
        raise DecisionFailed(f"Expected decision {decision_id!r}{which} to be deployed, but it is not.")
    return row


def _version(called: CalledDecision, variables: Mapping[str, Any]) -> str | int:
    try:
        value = called.version.evaluate(variables) if called.version is not None else None
    except EvaluationError as error:
        raise DecisionFailed(str(error)) from error
    if called.binding == "versionTag":
        return str(value)
    try:
        number = int(str(value))
    except ValueError:
        number = 0
    if not 0 < number < HIGHEST_VERSION:
        raise DecisionFailed(f"Expected the version of a decision to be a whole number, but it is {value!r}.")
    return number


def _evaluate(tx: Transaction, row: AnyRow, variables: Mapping[str, Any], instance_key: int | None,
              token: int | None) -> Evaluated:
    model = model_of(tx, row.requirements_key)
    key = tx.key()
    failure: DecisionError | None = None
    outcome = Outcome(output=None)
    warnings: list[str] = []
    try:
        outcome = model.evaluate(row.decision_id, variables, warnings)
    except DecisionError as error:
        failure = error
    tx.rows.insert(schema.decision_evaluations, {
        "key": key, "decision_key": row.key, "decision_id": row.decision_id, "instance_key": instance_key,
        "element_instance_key": token, "tenant_id": row.tenant_id, "evaluated_at": tx.now,
        "output": outcome.output, "decisions": [asdict(decision) for decision in outcome.decisions],
        "warnings": warnings, "error": failure.message if failure else None,
    })
    if failure is not None:
        raise failure
    return Evaluated(evaluation_key=key, decision_key=row.key, decision_id=row.decision_id, name=row.name,
                     tenant_id=row.tenant_id,
                     version=row.version, requirements_key=row.requirements_key,
                     requirements_id=row.requirements_id, outcome=outcome)

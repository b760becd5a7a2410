"""Deploys process definitions, and decisions with them: versioned, never changed, all files or none."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, select

from bpmn import parser
from bpmn.expressions import EvaluationError
from bpmn.interpreter import CompileError
from bpmn.model import EventKind, Model, Process
from bpmn.problems import Problem, Severity
from engine import (
    audit,
    calls,
    decision_files,
    decisions,
    forms,
    pausing,
    permits,
    programs,
    schema,
    subscriptions,
    tenants,
    timers,
)
from engine.approvals import asking
from engine.decision_files import DecisionFile
from engine.decisions import DeployedDecision
from engine.errors import DeploymentRefused, InvalidTimer
from engine.forms import DeployedForm, FormFile
from engine.programs import Definition, StartEvent
from engine.rows import AnyRow
from engine.schema import DEFAULT_TENANT
from engine.values import LONGEST_NAME

if TYPE_CHECKING:
    from engine.transaction import Transaction

_d = schema.definitions.c

NEWEST = (
    select(_d.key, _d.version, _d.checksum, _d.deployment_key, _d.resource_name, _d.name, _d.process_id)
    .where(_d.process_id == bindparam("process_id"), _d.tenant_id == bindparam("tenant_id"))
    .order_by(_d.version.desc()).limit(1)
)
_OLDER = select(_d.key).where(_d.process_id == bindparam("process_id"), _d.tenant_id == bindparam("tenant_id"))
CLOSE_SUBSCRIPTIONS = delete(schema.subscriptions).where(
    schema.subscriptions.c.instance_key.is_(None), schema.subscriptions.c.definition_key.in_(_OLDER)
)
CLOSE_TIMERS = delete(schema.timers).where(
    schema.timers.c.instance_key.is_(None), schema.timers.c.definition_key.in_(_OLDER)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One file to deploy."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployedDefinition:
    """A process of a deployment. `created` is False if its newest version had the same content already."""

    key: int
    process_id: str
    name: str | None
    version: int
    resource_name: str
    deployment_key: int
    tenant_id: str
    created: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """What became of a deployment. `problems` holds the warnings."""

    key: int
    tenant_id: str
    definitions: tuple[DeployedDefinition, ...]
    decisions: tuple[DeployedDecision, ...] = ()
    forms: tuple[DeployedForm, ...] = ()
    problems: tuple[Problem, ...] = ()


def deploy(tx: Transaction, resources: Sequence[Resource], *, name: str | None = None, source: str | None = None,
           tenant_id: str = DEFAULT_TENANT) -> Deployment:
    """Deploy files together: all of them, or none.

    What is in files with the same bytes as its newest version gets no new version, unless another file of the upload
    is new: what is deployed together is versioned together (as in Camunda 8). The start events of a new version
    replace those of the one before. Audited. Where two people are needed, NeedsApproval is raised, and it waits.

    Raises NotFound (the tenant), DeploymentRefused with every problem of every file; on a strict engine also if all
    are warnings.
    """
    models, problems = _read(tx, resources)
    tx.engine.database.serialize(tx.connection, "deploy")
    if tenant_id != DEFAULT_TENANT:
        tenants.check_now(tx, tenant_id)
    problems += calls.missing(tx, [model for _, model in models], tenant_id)
    decision_models, more = decision_files.read(tx, resources, tenant_id)
    problems += more
    form_files, more = forms.read(resources)
    problems += more + forms.missing(tx, [model for _, model in models], form_files, tenant_id)
    anew = _is_new(tx, models, decision_models, form_files, tenant_id)
    key = tx.key()
    deployed = []
    for resource, model in models:
        deployed += _deploy_model(tx, key, resource, model, tenant_id, problems, anew)
    _refuse(tx, problems)
    decided = decisions.deploy(tx, key, decision_models, tenant_id, anew=anew)
    filled_in = forms.deploy(tx, key, form_files, tenant_id, anew=anew)
    everything: list[DeployedDefinition | DeployedDecision | DeployedForm] = [*deployed, *decided, *filled_in]
    for each_id in (*(each.process_id for each in deployed), *(each.decision_id for each in decided),
                    *(each.form_id for each in filled_in)):
        permits.check_new(tx, each_id, tenant_id)
    if any(each.created for each in everything):
        asking.deployment(tx, resources, name=name, source=source, tenant_id=tenant_id,
                          new=_made(deployed, decided, filled_in))
        tx.rows.insert(schema.deployments, {
            "key": key, "name": name, "source": source, "tenant_id": tenant_id, "deployed_at": tx.now,
            "deployed_by": tx.actor,
        })
        made = [*_made(deployed, decided, filled_in)]
        audit.record(tx, "DEPLOY", "DEPLOYMENT", key, details={"resources": [resource.name for resource in resources]},
                     before={"versions": [f"{kind} {id} {number - 1}" for kind, id, number in made if number > 1]},
                     after={"versions": [f"{kind} {id} {number}" for kind, id, number in made]})
        for each in deployed:
            pausing.carry_over(tx, each.process_id, tenant_id)
    elif everything:
        key = everything[0].deployment_key
    return Deployment(key=key, tenant_id=tenant_id, definitions=tuple(deployed), decisions=tuple(decided),
                      forms=tuple(filled_in), problems=tuple(problems))


def _made(deployed: Iterable[DeployedDefinition], decided: Iterable[DeployedDecision],
          filled_in: Iterable[DeployedForm]) -> Iterator[tuple[str, str, int]]:
    """Kind, id and version of everything that a deployment made."""
    yield from (("process", each.process_id, each.version) for each in deployed if each.created)
    yield from (("decision", each.decision_id, each.version) for each in decided if each.created)
    yield from (("form", each.form_id, each.version) for each in filled_in if each.created)


def _is_new(tx: Transaction, models: Sequence[tuple[Resource, Model]], decision_models: Sequence[DecisionFile],
            form_files: Sequence[FormFile], tenant_id: str) -> bool:
    """Whether anything in the files differs from what is deployed."""
    return (
        any(_newest_if_same(tx, process, resource, tenant_id)[1] is None
            for resource, model in models for process in model.processes)
        or any(decisions.is_new(tx, file, tenant_id) for file in decision_models)
        or any(forms.is_new(tx, file, tenant_id) for file in form_files)
    )


def check(tx: Transaction, resources: Sequence[Resource], tenant_id: str = DEFAULT_TENANT) -> tuple[Problem, ...]:
    """What `deploy` would say of these files, errors and warnings; nothing is changed. Raises NotFound (the tenant)."""
    tenants.check(tx, tenant_id)
    models, problems = _read(tx, resources)
    problems += calls.missing(tx, [model for _, model in models], tenant_id)
    problems += decision_files.read(tx, resources, tenant_id)[1]
    form_files, more = forms.read(resources)
    problems += more + forms.missing(tx, [model for _, model in models], form_files, tenant_id)
    for resource, model in models:
        for process in model.processes:
            _prepare(process, resource, problems, key=0, version=0, tenant_id=tenant_id, deployment_key=0)
    return tuple(problems)


def _read(tx: Transaction, resources: Sequence[Resource]) -> tuple[list[tuple[Resource, Model]], list[Problem]]:
    problems: list[Problem] = []
    models = []
    if not resources:
        problems.append(_problem("", "Expected at least one file, but there is none."))
    seen: dict[str, Resource] = {}
    for resource in resources:
        if decision_files.is_decision(resource) or forms.is_form(resource):
            continue
        model, found = parser.examine(resource.content, resource.name, tx.engine.scripts)
        problems += found
        if model is None:
            continue
        runs = not any(problem.severity is Severity.ERROR for problem in found)
        for process in model.processes:
            other = seen.setdefault(process.id, resource)
            if other is not resource:   # not by name: two files of one upload may have the same
                problems.append(_problem(
                    resource.name, f"Expected each process once, but {process.id!r} is in {other.name} as well.",
                    process.id,
                ))
        problems += _too_long(resource, model)
        # Of a file that cannot run, the other errors are told as well; warnings about half a diagram would be guesses.
        for further_check in tx.engine.checks:
            problems += (problem for problem in further_check(model) if runs or problem.severity is Severity.ERROR)
        if runs:
            models.append((resource, model))
    return models, problems


def _too_long(resource: Resource, model: Model) -> Iterator[Problem]:
    for process in model.processes:
        for id in (process.id, *process.elements):
            if len(id) > LONGEST_NAME:
                yield _problem(
                    resource.name, f"Expected an id of at most {LONGEST_NAME} characters, but it has {len(id)}.", id
                )


def _refuse(tx: Transaction, problems: Iterable[Problem]) -> None:
    found = tuple(problems)
    if any(tx.engine.strict or problem.severity == Severity.ERROR for problem in found):
        raise DeploymentRefused(found, strict=tx.engine.strict)


def _deploy_model(tx: Transaction, deployment_key: int, resource: Resource, model: Model, tenant_id: str,
                  problems: list[Problem], anew: bool) -> list[DeployedDefinition]:
    checksum = _checksum(resource)
    resource_key = tx.key()
    deployed = []
    for process in model.processes:
        what = {"process_id": process.id, "tenant_id": tenant_id}
        newest, same = _newest_if_same(tx, process, resource, tenant_id)
        if same is not None and not anew:
            deployed.append(_deployed(same, resource, tenant_id))
            continue
        version = newest.version + 1 if newest else 1
        definition = _prepare(process, resource, problems, key=tx.key(), version=version, tenant_id=tenant_id,
                              deployment_key=deployment_key)
        if definition is None:
            continue
        if newest is not None:
            tx.connection.execute(CLOSE_SUBSCRIPTIONS, what)
            tx.connection.execute(CLOSE_TIMERS, what)
        _insert(tx, definition, resource, resource_key, checksum)
        _open_starts(tx, definition, resource, problems)
        deployed.append(DeployedDefinition(
            key=definition.key, process_id=process.id, name=process.name, version=version,
            resource_name=resource.name, deployment_key=deployment_key, tenant_id=tenant_id, created=True,
        ))
    if any(definition.created for definition in deployed):
        tx.rows.insert(schema.resources, {
            "key": resource_key, "deployment_key": deployment_key, "name": resource.name, "checksum": checksum,
            "content": resource.content,
        })
    return deployed


def _checksum(resource: Resource) -> str:
    return hashlib.sha256(resource.content).hexdigest()


def _newest_if_same(tx: Transaction, process: Process, resource: Resource,
                    tenant_id: str) -> tuple[AnyRow | None, AnyRow | None]:
    """The newest version of a process, and once more if it came from the same bytes."""
    newest = tx.connection.execute(NEWEST, {"process_id": process.id, "tenant_id": tenant_id}).first()
    return newest, newest if newest is not None and newest.checksum == _checksum(resource) else None


def _deployed(row: AnyRow, resource: Resource, tenant_id: str) -> DeployedDefinition:
    # Whoever deploys looks for the name of the file that was given, which may be another one this time.
    return DeployedDefinition(
        key=row.key, process_id=row.process_id, name=row.name, version=row.version, resource_name=resource.name,
        deployment_key=row.deployment_key, tenant_id=tenant_id, created=False,
    )


def _prepare(process: Process, resource: Resource, problems: list[Problem], *, key: int, version: int,
             tenant_id: str, deployment_key: int) -> Definition | None:
    try:
        return programs.prepare(
            process, key=key, version=version, tenant_id=tenant_id, deployment_key=deployment_key
        )
    except CompileError as error:
        problems.append(_problem(resource.name, str(error), process.id))
    except EvaluationError as error:
        problems.append(_problem(
            resource.name,
            f"Expected start events that need no variables, because there are none yet, but {error.reason}",
            process.id,
        ))
    return None


def _insert(tx: Transaction, definition: Definition, resource: Resource, resource_key: int, checksum: str) -> None:
    process = definition.process
    tx.rows.insert(schema.definitions, {
        "key": definition.key, "process_id": process.id, "name": process.name, "version": definition.version,
        "version_tag": process.version_tag, "resource_key": resource_key, "resource_name": resource.name,
        "deployment_key": definition.deployment_key, "checksum": checksum, "dialect": process.dialect,
        "tenant_id": definition.tenant_id, "deployed_at": tx.now, "suspended_at": None,
        "history_days": process.history_ttl_days,
    })
    tx.prepared.append(definition)


def _open_starts(tx: Transaction, definition: Definition, resource: Resource, problems: list[Problem]) -> None:
    for event in definition.start_events:
        if event.kind != EventKind.TIMER and len(event.text) > LONGEST_NAME:
            problems.append(_problem(
                resource.name, f"Expected a name of at most {LONGEST_NAME} characters, but it has {len(event.text)}.",
                event.element.id, event.element.name,
            ))
        elif event.kind != EventKind.TIMER:
            subscriptions.open_start(tx, definition, event)
        else:
            _arm_start(tx, definition, event, resource, problems)


def _arm_start(tx: Transaction, definition: Definition, event: StartEvent, resource: Resource,
               problems: list[Problem]) -> None:
    try:
        timers.arm_start(tx, definition, event)
    except InvalidTimer as error:
        problems.append(_problem(resource.name, str(error), event.element.id, event.element.name))


def _problem(resource_name: str, message: str, element_id: str | None = None,
             element_name: str | None = None) -> Problem:
    return Problem(severity=Severity.ERROR, message=message, resource_name=resource_name, element_id=element_id,
                   element_name=element_name)



"""Deployments: Camunda Modeler's Deploy button, and what was deployed."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from engine import definitions
from engine.decisions import DeployedDecision
from engine.definitions import DeployedDefinition, Deployment, Resource
from engine.errors import InvalidInput, NotFound
from engine.queries.criteria import one
from engine.queries.deployed import DEPLOYMENTS, FoundDeployment
from web.auth.roles import Permission
from web.body import printable
from web.camunda7 import decisions, formats, tenants
from web.camunda7 import definitions as process_definitions
from web.camunda7.blueprint import acting, answer, bp, engine, link
from web.camunda7.listing import Kind, serve
from web.camunda7.parameters import TENANTS, after, before, field, key, like

SETTINGS = frozenset({
    "deployment-name", "deployment-activation-time", "enable-duplicate-filtering", "deploy-changed-only",
    "deployment-source", "tenant-id",
})
"""The parts of an upload that are no files."""


def _written(found: FoundDeployment) -> dict[str, Any]:
    return {
        "id": formats.id(found.key), "name": found.name, "source": found.source,
        "deploymentTime": formats.date(found.deployed_at), "tenantId": formats.tenant(found.tenant_id),
    }


KIND = Kind(
    what=DEPLOYMENTS, write=_written,
    parameters={
        "id": key("key"), "name": field("name"), "nameLike": like("name"), "source": field("source"),
        "after": after("deployed_at"), "before": before("deployed_at"), **TENANTS,
    },
    sorts={"id": "key", "name": "name", "deploymentTime": "deployed_at", "tenantId": "tenant_id"},
    ignored=frozenset({"includeDeploymentsWithoutTenantId"}),
)


serve("/deployment", KIND, by_post=False)


@bp.get("/deployment/<id>")
def get_deployment(id: str) -> Response:
    """One deployment."""
    return answer(_written(_found(formats.key(id))))


@bp.post("/deployment/create")
def deploy() -> Response:
    """Deploy files, all or none. What was there already in the same form is listed too."""
    settings = request.form
    if settings.get("deployment-activation-time"):
        raise InvalidInput("Expected a deployment that takes effect at once, but a time of activation was given.")
    strays = ", ".join(sorted(settings.keys() - SETTINGS))
    if strays:
        raise InvalidInput(f"Expected every file to have a file name, but these parts have none: {strays}.")
    resources = [
        Resource(name=printable(part.filename or "", "filename"), content=part.read())
        for _, part in request.files.items(multi=True)
    ]
    if not resources:
        raise InvalidInput("Expected at least one file, but there is none.")
    made = acting().execute(
        definitions.deploy, resources, name=_setting("deployment-name"), source=_setting("deployment-source"),
        tenant_id=tenants.of_path(_setting("tenant-id"), Permission.DEPLOY),
    )
    return answer(_deployed(made))


def _setting(name: str) -> str | None:
    value = request.form.get(name)
    return printable(value, name) if value else None


def _deployed(made: Deployment) -> dict[str, Any]:
    graphs = {decision.requirements.key: decision for decision in made.decisions}
    return {
        "links": [link(f"/deployment/{made.key}")], **_written(_found(made.key)),
        "deployedProcessDefinitions": _by_id([_process(each) for each in made.definitions]),
        "deployedCaseDefinitions": None,
        "deployedDecisionDefinitions": _by_id([_decision(each) for each in made.decisions]),
        "deployedDecisionRequirementsDefinitions": _by_id([_graph(each) for each in graphs.values()]),
    }


def _by_id(things: list[dict[str, Any]]) -> dict[str, Any] | None:
    return {thing["id"]: thing for thing in things} or None


def _process(made: DeployedDefinition) -> dict[str, Any]:
    # The file is named as it was uploaded this time, which is what the client looks for.
    return process_definitions.get(made.key) | {"resource": made.resource_name}


def _decision(made: DeployedDecision) -> dict[str, Any]:
    return decisions.get(made.key) | {"resource": made.requirements.resource_name}


def _graph(made: DeployedDecision) -> dict[str, Any]:
    graph = made.requirements
    return {
        "id": formats.definition_id(graph.requirements_id, graph.version, graph.key), "key": graph.requirements_id,
        "category": None, "name": graph.name, "version": graph.version, "resource": graph.resource_name,
        "deploymentId": formats.id(made.deployment_key), "tenantId": formats.tenant(graph.tenant_id),
    }


def _found(key: int) -> FoundDeployment:
    found = one(engine(), DEPLOYMENTS, key)
    if found is None:
        raise NotFound(f"Expected to find a deployment with id {key}, but there is none.")
    return found

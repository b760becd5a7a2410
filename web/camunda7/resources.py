"""The files of deployments, and decision requirements graphs, which are files too."""

from __future__ import annotations

from typing import Any

from flask import Response

from engine.errors import NotFound
from engine.queries import decisions as decision_files
from engine.queries import deployed
from engine.queries.criteria import Criterion, Search, one, search
from engine.queries.deployed import REQUIREMENTS, FoundRequirements, FoundResource
from engine.tenants import within
from web.camunda7 import formats, tenants
from web.camunda7.blueprint import answer, bp, engine
from web.camunda7.listing import Kind, as_number, serve
from web.camunda7.parameters import TENANTS, any_key_of, any_of, definition, field, key, like, only_if


def _written(found: FoundResource) -> dict[str, Any]:
    return {"id": formats.id(found.key), "name": found.name, "deploymentId": formats.id(found.deployment_key)}


@bp.get("/deployment/<id>/resources")
def list_resources(id: str) -> Response:
    """The files of a deployment that were new with it."""
    return answer([_written(each) for each in deployed.resources(engine(), formats.key(id))])


@bp.get("/deployment/<id>/resources/<resource_id>")
def get_resource(id: str, resource_id: str) -> Response:
    """One file of a deployment."""
    return answer(_written(deployed.resource(engine(), formats.key(id), formats.key(resource_id))[0]))


@bp.get("/deployment/<id>/resources/<resource_id>/data")
def get_resource_data(id: str, resource_id: str) -> Response:
    """The bytes of a file, exactly as it was deployed."""
    found, content = deployed.resource(engine(), formats.key(id), formats.key(resource_id))
    response = Response(content, content_type="application/octet-stream")
    response.headers.set("Content-Disposition", "attachment", filename=found.name)
    return response


@bp.get("/deployment/registered")
def list_registered() -> Response:
    """Deployments whose process applications may run their code: none, because no code is deployed."""
    return answer([])


def _graph(found: FoundRequirements) -> dict[str, Any]:
    return {
        "id": formats.definition_id(found.requirements_id, found.version, found.key), "key": found.requirements_id,
        "category": None, "name": found.name, "version": found.version, "resource": found.resource_name,
        "deploymentId": formats.id(found.deployment_key), "tenantId": formats.tenant(found.tenant_id),
    }


GRAPHS = Kind(
    what=REQUIREMENTS, write=_graph,
    parameters={
        "decisionRequirementsDefinitionId": definition("key"),
        "decisionRequirementsDefinitionIdIn": any_key_of("key", formats.definition_key),
        "name": field("name"), "nameLike": like("name"), "deploymentId": key("deployment_key"),
        "key": field("requirements_id"), "keyLike": like("requirements_id"), "keysIn": any_of("requirements_id"),
        "version": field("version", read=as_number), "latestVersion": only_if("latest", "eq", True),
        "resourceName": field("resource_name"), "resourceNameLike": like("resource_name"), **TENANTS,
    },
    sorts={"id": "key", "key": "requirements_id", "name": "name", "version": "version",
           "deploymentId": "deployment_key", "tenantId": "tenant_id"},
    ignored=frozenset({"includeDecisionRequirementsDefinitionsWithoutTenantId"}),
)


serve("/decision-requirements-definition", GRAPHS, by_post=False)


@bp.get("/decision-requirements-definition/<id>")
def get_graph(id: str) -> Response:
    """One decision requirements graph."""
    return answer(_graph(_found(formats.definition_key(id))))


@bp.get("/decision-requirements-definition/key/<graph_id>")
@bp.get("/decision-requirements-definition/key/<graph_id>/tenant-id/<tenant_id>")
def get_latest_graph(graph_id: str, tenant_id: str | None = None) -> Response:
    """The newest version of a graph."""
    return answer(_graph(_latest(graph_id, tenant_id)))


@bp.get("/decision-requirements-definition/<id>/xml")
def get_graph_xml(id: str) -> Response:
    """The file of a graph, as it was deployed."""
    return _xml(_found(formats.definition_key(id)))


@bp.get("/decision-requirements-definition/key/<graph_id>/xml")
@bp.get("/decision-requirements-definition/key/<graph_id>/tenant-id/<tenant_id>/xml")
def get_latest_graph_xml(graph_id: str, tenant_id: str | None = None) -> Response:
    """The file of the newest version of a graph."""
    return _xml(_latest(graph_id, tenant_id))


def _xml(found: FoundRequirements) -> Response:
    content = decision_files.file(engine(), found.key)
    return answer({"id": _graph(found)["id"], "dmnXml": content.decode("utf-8", "replace")})


def _found(key: int) -> FoundRequirements:
    found = one(engine(), REQUIREMENTS, key)
    if found is None:
        raise NotFound(f"Expected to find a decision requirements definition with key {key}, but there is none.")
    return found


def _latest(graph_id: str, tenant_id: str | None) -> FoundRequirements:
    tenant = tenants.of_path(tenant_id)
    found = search(engine(), REQUIREMENTS, Search(
        criteria=[Criterion("requirements_id", "eq", graph_id), Criterion("latest", "eq", True),
                  Criterion("tenant_id", "eq", tenant)], limit=1)).items
    if not found:
        raise NotFound(f"Expected to find a decision requirements definition with the key {graph_id!r}"
                       f"{within(tenant)}, but there is none.")
    return found[0]

"""Process definitions: found, read, started. Camunda Modeler's Run button."""

from __future__ import annotations

from typing import Any

from flask import Response

from engine import instances
from engine.errors import InvalidInput, NotFound
from engine.queries import definitions
from engine.queries.criteria import Criterion, Search, one, search
from engine.queries.searches import DEFINITIONS, FoundDefinition
from engine.tenants import within
from web import masking
from web.body import Body, body
from web.camunda7 import formats, known, tenants, values
from web.camunda7 import instances as process_instances
from web.camunda7.blueprint import acting, answer, bp, engine
from web.camunda7.listing import Kind, as_number, serve
from web.camunda7.parameters import TENANTS, any_key_of, any_of, definition, field, key, like, only_if

BEFORE_ACTIVITY = "startBeforeActivity"


def _written(found: FoundDefinition) -> dict[str, Any]:
    process = known.definition(found.key).process
    return {
        "id": formats.definition_id(found.process_id, found.version, found.key), "key": found.process_id,
        "category": None, "description": process.documentation, "name": found.name, "version": found.version,
        "resource": found.resource_name, "deploymentId": formats.id(found.deployment_key), "diagram": None,
        "suspended": found.paused, "tenantId": formats.tenant(found.tenant_id), "versionTag": found.version_tag,
        "historyTimeToLive": found.history_days, "startableInTasklist": True,
    }


KIND = Kind(
    what=DEFINITIONS, write=_written,
    parameters={
        "processDefinitionId": definition("key"), "processDefinitionIdIn": any_key_of("key", formats.definition_key),
        "name": field("name"), "nameLike": like("name"), "deploymentId": key("deployment_key"),
        "key": field("process_id"), "keysIn": any_of("process_id"), "keyLike": like("process_id"),
        "version": field("version", read=as_number), "latestVersion": only_if("latest", "eq", True),
        "resourceName": field("resource_name"), "resourceNameLike": like("resource_name"),
        "versionTag": field("version_tag"), "versionTagLike": like("version_tag"),
        "withoutVersionTag": only_if("version_tag", "exists", False),
        "suspended": only_if("paused", "eq", True), "active": only_if("paused", "eq", False), **TENANTS,
    },
    sorts={"id": "key", "key": "process_id", "name": "name", "version": "version", "deploymentId": "deployment_key",
           "deployTime": "deployed_at", "tenantId": "tenant_id", "versionTag": "version_tag"},
    ignored=frozenset({"includeProcessDefinitionsWithoutTenantId", "startableInTasklist",
                       "startablePermissionCheck"}),
)


serve("/process-definition", KIND, by_post=False)


@bp.get("/process-definition/<id>")
def get_definition(id: str) -> Response:
    """One process definition."""
    return answer(get(formats.definition_key(id)))


@bp.get("/process-definition/key/<process_id>")
@bp.get("/process-definition/key/<process_id>/tenant-id/<tenant_id>")
def get_latest_definition(process_id: str, tenant_id: str | None = None) -> Response:
    """The newest version of a process."""
    return answer(get(latest(process_id, tenant_id)))


@bp.get("/process-definition/<id>/xml")
def get_xml(id: str) -> Response:
    """The diagram of a process definition, as it was deployed."""
    return _xml(formats.definition_key(id))


@bp.get("/process-definition/key/<process_id>/xml")
@bp.get("/process-definition/key/<process_id>/tenant-id/<tenant_id>/xml")
def get_latest_xml(process_id: str, tenant_id: str | None = None) -> Response:
    """The diagram of the newest version of a process."""
    return _xml(latest(process_id, tenant_id))


@bp.post("/process-definition/<id>/start")
def start(id: str) -> Response:
    """Start an instance of a definition."""
    return start_with(formats.definition_key(id), values.read_all(body()))


@bp.post("/process-definition/key/<process_id>/start")
@bp.post("/process-definition/key/<process_id>/tenant-id/<tenant_id>/start")
def startlatest(process_id: str, tenant_id: str | None = None) -> Response:
    """Start an instance of the newest version of a process."""
    return start_with(latest(process_id, tenant_id), values.read_all(body()))


def get(key: int) -> dict[str, Any]:
    """A definition as it is written. Raises NotFound."""
    found = one(engine(), DEFINITIONS, key)
    if found is None:
        raise NotFound(f"Expected to find a process definition with key {key}, but there is none.")
    return _written(found)


def latest(process_id: str, tenant_id: str | None) -> int:
    """The key of the newest version of a process. Raises NotFound."""
    tenant = tenants.of_path(tenant_id)
    found = search(engine(), DEFINITIONS, Search(
        criteria=[Criterion("process_id", "eq", process_id), Criterion("latest", "eq", True),
                  Criterion("tenant_id", "eq", tenant)], limit=1,
    )).items
    if not found:
        raise NotFound(f"Expected to find a process definition with the key {process_id!r}{within(tenant)}, "
                       "but there is none.")
    return found[0].key


def _xml(key: int) -> Response:
    content = definitions.content(engine(), key)
    return answer({"id": known.definition_id(key), "bpmn20Xml": content.decode("utf-8", "replace")})


def start_with(key: int, variables: dict[str, Any], business_id: str | None = None) -> Response:
    """Start an instance with variables, and whatever else the body says."""
    asked = body()
    made = acting().execute(
        instances.start, definition_key=key, variables=variables, elements=_elements(asked),
        business_id=asked.text("businessKey") or business_id,
    )
    content = process_instances.get(made.key)
    if asked.flag("withVariablesInReturn"):
        masking.for_answer(made.process_id, made.tenant_id)
        content["variables"] = process_instances.variables(made.key)
    return answer(content)


def _elements(asked: Body) -> list[str]:
    """The elements to start at. Raises InvalidInput for instructions other than "before an element"."""
    found = []
    for each in asked.inners("startInstructions"):
        type = each.text("type")
        if type != BEFORE_ACTIVITY or each.mapping("variables"):
            raise InvalidInput(f"Expected the start instruction {BEFORE_ACTIVITY} without variables of its own, "
                               f"but found {type!r}.")
        found.append(each.required_text("activityId"))
    return found

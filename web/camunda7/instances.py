"""Process instances: found, suspended, resumed, cancelled."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from engine import requests
from engine.errors import InvalidInput, NotFound
from engine.operations import at_once
from engine.queries.criteria import Criterion, Search, one, search_all
from engine.queries.searches import INSTANCES, VARIABLES, FoundInstance
from engine.states import InstanceState
from web.body import body
from web.camunda7 import formats, values
from web.camunda7.blueprint import acting, answer, bp, done, engine, link
from web.camunda7.listing import Kind, ReadCriteria, as_text, as_texts, serve
from web.camunda7.parameters import (
    TENANTS,
    any_key_of,
    any_of,
    definition,
    field,
    key,
    like,
    only_if,
)
from web.camunda7.parameters import (
    variables as with_variables,
)

CANCELLED = "Deleted through the REST interface."
SUSPENDED, RESUMED = "Suspended through the REST interface.", "Activated through the REST interface."
ACTIVE = Criterion("state", "eq", InstanceState.ACTIVE.value)


def _written(found: FoundInstance) -> dict[str, Any]:
    return {
        "links": [link(f"/process-instance/{found.key}")], "id": formats.id(found.key),
        "definitionId": formats.definition_id(found.process_id, found.version, found.definition_key),
        "definitionKey": found.process_id, "businessKey": found.business_id, "caseInstanceId": None,
        "ended": found.ended_at is not None, "suspended": found.suspended_at is not None,
        "tenantId": formats.tenant(found.tenant_id),
    }


def at_elements(state: str | None = None) -> ReadCriteria:
    """Instances with a token at one of some elements, or with any history there."""
    def read(value: Any, where: str) -> list[Criterion]:
        found = [Criterion("element_id", "in", as_texts(value, where))]
        return [Criterion("element", "has", [*found, Criterion("state", "eq", state)] if state else found)]
    return read


def _error_like(value: Any, where: str) -> list[Criterion]:
    [pattern] = like("error")(as_text(value, where), where)
    return [pattern]


COMMON = {
    "businessKey": field("business_id"), "businessKeyLike": like("business_id"),
    "processInstanceBusinessKey": field("business_id"), "processInstanceBusinessKeyLike": like("business_id"),
    "processInstanceIds": any_key_of("key"), "processInstanceId": key("key"),
    "processDefinitionId": definition(), "processDefinitionKey": field("process_id"),
    "processDefinitionKeyIn": any_of("process_id"), "processDefinitionKeyNotIn": any_of("process_id", "not_in"),
    "superProcessInstance": key("parent_key"), "superProcessInstanceId": key("parent_key"),
    "rootProcessInstances": only_if("parent_key", "exists", False), "active": only_if("standing", "eq", "ACTIVE"),
    "suspended": only_if("suspended_at", "exists", True), "withIncident": only_if("incident_count", "gt", 0),
    "withIncidents": only_if("incident_count", "gt", 0), "incidentMessage": field("error"),
    "incidentMessageLike": _error_like, "activityIdIn": at_elements("ACTIVE"), "variables": with_variables(),
    **TENANTS,
}
"""The parameters that lists of running and of past instances share."""

KIND = Kind(
    what=INSTANCES, write=_written, parameters=COMMON, always=[ACTIVE],
    sorts={"instanceId": "key", "definitionId": "definition_key", "definitionKey": "process_id",
           "businessKey": "business_id", "tenantId": "tenant_id"},
    ignored=frozenset({"variableNamesIgnoreCase", "variableValuesIgnoreCase"}),
)


serve("/process-instance", KIND)


@bp.get("/process-instance/<id>")
def get_instance(id: str) -> Response:
    """One active instance. What has ended is found in the history only."""
    return answer(_written(running(id)))


@bp.delete("/process-instance/<id>")
def delete_instance(id: str) -> Response:
    """Cancel an instance and all that it called."""
    reason = (request.args.get("deleteReason") or "").strip() or CANCELLED
    try:
        at_once.act(acting(), "CANCEL", {}, running(id).key, reason, consent=True)
    except NotFound:
        if request.args.get("failIfNotExists", "").lower() != "false":
            raise
    return done()


@bp.put("/process-instance/<id>/suspended")
def suspend_instance(id: str) -> Response:
    """Suspend an instance, or let it go on."""
    wanted = body().flag("suspended")
    if wanted is None:
        raise InvalidInput("Expected 'suspended' to be true or false, but it is missing.")
    found = running(id)
    if wanted != (found.suspended_at is not None):
        at_once.act(acting(), "SUSPEND" if wanted else "RESUME", {}, found.key, SUSPENDED if wanted else RESUMED)
    return done()


def get(key: int) -> dict[str, Any]:
    """An instance as it is written, whether it has ended or not. Raises NotFound."""
    return _written(found(key))


def variables(key: int) -> dict[str, Any]:
    """The variables of an instance, typed."""
    own = Search(criteria=[Criterion("instance_key", "eq", key), Criterion("scope_key", "eq", key)],
                 sort=[("name", False)])
    return {each.name: values.written(each.value, each.declared) for each in search_all(engine(), VARIABLES, own)}


def found(key: int) -> FoundInstance:
    """An instance, whether it has ended or not. Raises NotFound."""
    item = one(engine(), INSTANCES, key)
    if item is None:
        raise NotFound(f"Expected to find a process instance with id {key}, but there is none.")
    return item


def running(id: str) -> FoundInstance:
    """An active instance, or one that this very request ended before. Raises NotFound."""
    item = found(formats.key(id))
    if item.ended_at is not None and not requests.repeats():
        raise NotFound(f"Expected process instance {id} to be active, but it has ended.")
    return item

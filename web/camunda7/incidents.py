"""Incidents: found, and resolved by doing again what failed."""

from __future__ import annotations

from typing import Any

from flask import Response

from engine.errors import NotFound, WrongState
from engine.operations import at_once
from engine.queries.criteria import Criterion, one
from engine.queries.searches import INCIDENTS, FoundIncident
from engine.states import IncidentState
from web.camunda7 import formats, known
from web.camunda7.blueprint import acting, answer, bp, done, engine
from web.camunda7.listing import Kind, ReadCriteria, as_text, serve
from web.camunda7.parameters import TENANTS, after, any_of, before, definition, field, key, like

RESOLVED = "Resolved through the REST interface."
FAILED_JOB, FAILED_EXTERNAL_TASK = "failedJob", "failedExternalTask"


def type_of(found: FoundIncident) -> str:
    """What failed: an external task, or what the engine does itself. Clients know only these two."""
    return FAILED_JOB if found.job_key is None else FAILED_EXTERNAL_TASK


def configuration_of(found: FoundIncident) -> str:
    """The id of the external task or job that failed."""
    return formats.id(found.key if found.job_key is None else found.job_key)


def _written(found: FoundIncident) -> dict[str, Any]:
    own = formats.id(found.key)
    return {
        "id": own, "processDefinitionId": known.definition_id(found.definition_key),
        "processInstanceId": formats.id(found.instance_key), "executionId": formats.id(found.element_instance_key),
        "incidentTimestamp": formats.date(found.created_at), "incidentType": type_of(found),
        "activityId": found.element_id, "failedActivityId": found.element_id, "causeIncidentId": own,
        "rootCauseIncidentId": own, "configuration": configuration_of(found), "incidentMessage": found.message,
        "tenantId": formats.tenant(found.tenant_id), "jobDefinitionId": None, "annotation": None,
    }


def _of_type(value: Any, where: str) -> list[Criterion]:
    type = as_text(value, where)
    if type not in (FAILED_JOB, FAILED_EXTERNAL_TASK):
        return [Criterion("key", "in", [])]
    return [Criterion("job_key", "exists", type == FAILED_EXTERNAL_TASK)]


def _configuration(value: Any, where: str) -> list[Criterion]:
    number = formats.key(as_text(value, where))
    return [Criterion("about", "eq", number)]


PARAMETERS: dict[str, ReadCriteria] = {
    "incidentId": key("key"), "incidentType": _of_type, "incidentMessage": field("message"),
    "incidentMessageLike": like("message"), "processDefinitionId": definition(),
    "processDefinitionKeyIn": any_of("process_id"), "processDefinitionKey": field("process_id"),
    "processInstanceId": key("instance_key"), "executionId": key("element_instance_key"),
    "activityId": field("element_id"), "failedActivityId": field("element_id"), "causeIncidentId": key("key"),
    "rootCauseIncidentId": key("key"), "configuration": _configuration,
    "incidentTimestampAfter": after("created_at"), "incidentTimestampBefore": before("created_at"), **TENANTS,
}
"""The parameters that lists of open and of past incidents share."""

SORTS = {
    "incidentId": "key", "incidentMessage": "message", "createTime": "created_at", "endTime": "resolved_at",
    "incidentTimestamp": "created_at", "activityId": "element_id", "executionId": "element_instance_key",
    "processInstanceId": "instance_key", "processDefinitionId": "definition_key", "processDefinitionKey": "process_id",
    "tenantId": "tenant_id",
}

KIND = Kind(what=INCIDENTS, write=_written, parameters=PARAMETERS, sorts=SORTS,
            always=[Criterion("state", "eq", IncidentState.ACTIVE.value)])


serve("/incident", KIND, by_post=False)


@bp.get("/incident/<id>")
def get_incident(id: str) -> Response:
    """One open incident."""
    found = one(engine(), INCIDENTS, formats.key(id))
    if found is None or found.state != IncidentState.ACTIVE:
        raise NotFound(f"Expected to find an open incident with id {id}, but there is none.")
    return answer(_written(found))


@bp.delete("/incident/<id>")
def resolve_incident(id: str) -> Response:
    """Resolve an incident: what failed is done again."""
    resolve(formats.key(id))
    return done()


def resolve(key: int, retries: int | None = None) -> None:
    """Resolve an incident. Raises NotFound if it is resolved already too: here only open ones exist."""
    found = one(engine(), INCIDENTS, key)
    if found is not None:
        try:
            at_once.act(acting(), "RETRY", {"incident": key, "retries": retries}, found.instance_key, RESOLVED,
                        consent=True)
            return
        except WrongState:
            found = one(engine(), INCIDENTS, key)
            if found is not None and found.state == IncidentState.ACTIVE:
                raise
    raise NotFound(f"Expected to find an open incident with id {key}, but there is none.")

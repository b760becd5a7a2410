"""Incidents: found and resolved."""

from __future__ import annotations

from typing import Any

from flask import Response

from engine.operations import at_once
from engine.queries.searches import INCIDENTS, FoundIncident
from web.body import body
from web.camunda8 import formats
from web.camunda8.blueprint import acting, bp, done
from web.camunda8.searching import Field, Kind, as_date, as_key

RESOLVED = "Resolved through the REST interface."


def _written(found: FoundIncident) -> dict[str, Any]:
    return {
        "processDefinitionId": found.process_id, "errorType": found.type, "errorMessage": found.message,
        "elementId": found.element_id, "creationTime": formats.date(found.created_at), "state": found.state,
        "tenantId": found.tenant_id, "incidentKey": formats.key(found.key),
        "processDefinitionKey": formats.key(found.definition_key),
        "processInstanceKey": formats.key(found.instance_key), "rootProcessInstanceKey": formats.key(found.root_key),
        "elementInstanceKey": formats.key(found.element_instance_key), "jobKey": formats.key(found.job_key),
    }


KIND = Kind(
    what=INCIDENTS, write=_written, noun="an incident", key="incidentKey",
    fields={
        "processDefinitionId": Field("process_id"), "errorType": Field("type"), "errorMessage": Field("message"),
        "elementId": Field("element_id"), "creationTime": Field("created_at", as_date), "state": Field("state"),
        "tenantId": Field("tenant_id"), "incidentKey": Field("key", as_key),
        "processDefinitionKey": Field("definition_key", as_key), "processInstanceKey": Field("instance_key", as_key),
        "elementInstanceKey": Field("element_instance_key", as_key), "jobKey": Field("job_key", as_key),
    },
)


@bp.post("/incidents/search")
def search_incidents() -> Response:
    """Incidents that fit."""
    return KIND.search()


@bp.get("/incidents/<key>")
def get_incident(key: str) -> Response:
    """One incident."""
    return KIND.get(key)


@bp.post("/incidents/<key>/resolution")
def resolve_incident(key: str) -> Response:
    """Do again what failed."""
    body()
    found = KIND.found(key)
    resolve(found.key, found.instance_key)
    return done()


def resolve(key: int, instance_key: int) -> None:
    """Resolve one incident of an instance; the report says what became of it. Raises NotFound, WrongState."""
    at_once.act(acting(), "RETRY", {"incident": key}, instance_key, RESOLVED, consent=True)

"""Element instances: the history of an instance, and what is active now."""

from __future__ import annotations

from typing import Any

from flask import Response

from bpmn.model import ElementType
from engine import variables
from engine.queries.criteria import Criterion
from engine.queries.searches import ELEMENTS, FoundElement
from web.body import body, key_of
from web.camunda8 import formats, incidents
from web.camunda8.blueprint import acting, bp, done
from web.camunda8.models import element_of
from web.camunda8.searching import Field, Kind, as_date, as_flag, as_key

TYPES = {type.value: "SUB_PROCESS" if type == ElementType.TRANSACTION else type.value for type in ElementType}
"""How element types are called here: Camunda 8 knows no transactions."""
OUR_TYPES = {theirs: [ours for ours, name in TYPES.items() if name == theirs] for theirs in TYPES.values()}


def _written(found: FoundElement) -> dict[str, Any]:
    element = element_of(found.definition_key, found.element_id)
    return {
        "processDefinitionId": found.process_id, "startDate": formats.date(found.started_at),
        "endDate": formats.date(found.ended_at), "elementId": found.element_id,
        "elementName": (element.name if element else None) or found.element_id,
        "type": TYPES.get(found.type, "UNSPECIFIED"), "state": found.state,
        "hasIncident": found.incident_key is not None, "tenantId": found.tenant_id,
        "elementInstanceKey": formats.key(found.key), "processInstanceKey": formats.key(found.instance_key),
        "rootProcessInstanceKey": formats.key(found.root_key),
        "processDefinitionKey": formats.key(found.definition_key), "incidentKey": formats.key(found.incident_key),
    }


KIND = Kind(
    what=ELEMENTS, write=_written, noun="an element instance", key="elementInstanceKey",
    fields={
        "processDefinitionId": Field("process_id"), "state": Field("state"), "type": Field("type", words=OUR_TYPES),
        "elementId": Field("element_id"), "hasIncident": Field("has_incident", as_flag),
        "tenantId": Field("tenant_id"), "elementInstanceKey": Field("key", as_key),
        "processInstanceKey": Field("instance_key", as_key), "processDefinitionKey": Field("definition_key", as_key),
        "incidentKey": Field("incident_key", as_key), "startDate": Field("started_at", as_date),
        "endDate": Field("ended_at", as_date), "elementInstanceScopeKey": Field("scope_key", as_key),
    },
)


@bp.post("/element-instances/search")
def search_elements() -> Response:
    """Element instances that fit, in the order in which they began."""
    return KIND.search()


@bp.get("/element-instances/<key>")
def get_element(key: str) -> Response:
    """One element instance."""
    return KIND.get(key)


@bp.put("/element-instances/<key>/variables")
def set_variables(key: str) -> Response:
    """Set variables as seen from an element instance or an instance."""
    asked = body()
    acting().execute(variables.set, key_of(key, "elementInstanceKey"), asked.mapping("variables"),
                     local=asked.flag("local") or False)
    return done()


@bp.post("/element-instances/<key>/incidents/search")
def search_incidents_of_element(key: str) -> Response:
    """Incidents of an element instance."""
    return incidents.KIND.search(Criterion("element_instance_key", "eq", key_of(key, "elementInstanceKey")))

"""What kinds of activities are called, and the tree of those that are active in an instance."""

from __future__ import annotations

from typing import Any

from flask import Response

from bpmn.model import EVENTS, Element, ElementType, EventKind
from engine.queries.criteria import Criterion, Search, search_all
from engine.queries.searches import ELEMENTS, INCIDENTS, FoundElement, FoundIncident
from engine.states import ElementState, IncidentState
from web.camunda7 import formats, incidents, instances, known
from web.camunda7.blueprint import answer, bp, engine

OTHER_NAMES = {ElementType.PROCESS: "processDefinition"}
KINDS = {
    EventKind.MESSAGE: "message", EventKind.TIMER: "timer", EventKind.SIGNAL: "signal", EventKind.ERROR: "error",
    EventKind.ESCALATION: "escalation", EventKind.CONDITIONAL: "conditional", EventKind.LINK: "link",
    EventKind.TERMINATE: "terminate", EventKind.COMPENSATION: "compensation", EventKind.CANCEL: "cancel",
}
BODY_SUFFIX = "#multiInstanceBody"


def type_of(type: str, element: Element | None) -> str:
    """The name of a kind of activity (Camunda 7 source, `ActivityTypes`): events are named with what they wait for."""
    if type not in EVENTS:
        first, *rest = type.lower().split("_")
        return OTHER_NAMES.get(ElementType(type)) or first + "".join(word.capitalize() for word in rest)
    kind = next((KINDS[event.kind] for event in element.events if event.kind in KINDS), "") if element else ""
    if type == ElementType.START_EVENT:
        return f"{kind}StartEvent" if kind else "startEvent"
    if type == ElementType.BOUNDARY_EVENT:
        return f"boundary{kind.capitalize()}"
    if type == ElementType.END_EVENT:
        return f"{kind}EndEvent" if kind else "noneEndEvent"
    if type == ElementType.INTERMEDIATE_CATCH_EVENT:
        # Timers have always been an exception.
        return "intermediateTimer" if kind == "timer" else f"intermediate{kind.capitalize()}Catch"
    return f"intermediate{kind.capitalize() or 'None'}Throw"


def activity_id(found: FoundElement) -> str:
    """The id of an activity: the body of a multi-instance one is told from the inner instances."""
    is_body = found.type == ElementType.MULTI_INSTANCE_BODY
    return found.element_id + BODY_SUFFIX if is_body else found.element_id


@bp.get("/process-instance/<id>/activity-instances")
def activity_tree(id: str) -> Response:
    """What is active in an instance, one inside the other."""
    found = instances.running(id)
    active = [*search_all(engine(), ELEMENTS, Search(criteria=[
        Criterion("instance_key", "eq", found.key), Criterion("state", "eq", ElementState.ACTIVE.value),
    ]))]
    open_incidents = search_all(engine(), INCIDENTS, Search(criteria=[
        Criterion("instance_key", "eq", found.key), Criterion("state", "eq", IncidentState.ACTIVE.value),
    ]))
    process = known.definition(found.definition_key).process
    definition_id = known.definition_id(found.definition_key)
    root = _node(found.key, None, found.process_id, process.name, "processDefinition", found.key, definition_id)
    nodes = {found.key: root}
    for each in active:
        element = process.elements.get(each.element_id)
        nodes[each.key] = _node(each.key, each.scope_key, activity_id(each), element.name if element else None,
                                type_of(each.type, element), found.key, definition_id)
    for each in active:
        nodes.get(each.scope_key, root)["childActivityInstances"].append(nodes[each.key])
    for incident in open_incidents:
        _add(nodes.get(incident.element_instance_key, root), incident)
    return answer(root)


def _node(key: int, parent: int | None, activity: str, name: str | None, type: str, instance_key: int,
          definition_id: str) -> dict[str, Any]:
    return {
        "id": formats.id(key), "parentActivityInstanceId": formats.id(parent), "activityId": activity,
        "activityName": name, "name": name, "activityType": type, "processInstanceId": formats.id(instance_key),
        "processDefinitionId": definition_id, "childActivityInstances": [], "childTransitionInstances": [],
        "executionIds": [formats.id(key)], "incidentIds": [], "incidents": [],
    }


def _add(node: dict[str, Any], incident: FoundIncident) -> None:
    node["incidentIds"].append(formats.id(incident.key))
    node["incidents"].append({"id": formats.id(incident.key), "activityId": incident.element_id,
                              "incidentType": incidents.type_of(incident), "incidentCount": 1})

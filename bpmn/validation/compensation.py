"""Rules about compensation (BPMN 2.0 §10.7; Camunda 7 manual, "Compensation Events")."""

from __future__ import annotations

from collections.abc import Iterator

from bpmn.model import ACTIVITIES, Element, ElementType, EventKind, Model, Process
from bpmn.validation.findings import Finding, doubt, kinds, starts
from bpmn.wording import label

THROWING = frozenset({ElementType.INTERMEDIATE_THROW_EVENT, ElementType.END_EVENT})


def handlers(process: Process, model: Model) -> Iterator[Finding]:
    """A handler stands outside the sequence flow and belongs to an activity."""
    handled = {element.compensation_handler for element in process.elements.values()}
    for element in process.elements.values():
        if not element.for_compensation:
            continue
        for id in (*element.incoming, *element.outgoing):
            yield Finding(element.id, f"Expected no sequence flow at a compensation handler, but there is {id!r}.")
        if element.id not in handled:
            yield doubt(element.id, "No compensation event is associated with this handler: it never runs.")


def handler_places(process: Process, model: Model) -> Iterator[Finding]:
    """A handler is an activity beside the one that it undoes."""
    for element in process.elements.values():
        if element.compensation_handler is None:
            continue
        handler = process.elements.get(element.compensation_handler)
        if handler is None or handler.type not in ACTIVITIES:
            found = f"{element.compensation_handler!r} is none"
            yield Finding(element.id, f"Expected an activity as compensation handler, but {found}.")
        elif handler.scope != element.scope:
            yield Finding(
                handler.id,
                f"Expected the compensation handler in the same sub-process as {label(element)}, but it is in another.",
            )


def boundary_events(process: Process, model: Model) -> Iterator[Finding]:
    """A compensation boundary event leads to a handler by an association, not by a sequence flow."""
    for element in process.elements.values():
        if element.type is not ElementType.BOUNDARY_EVENT or EventKind.COMPENSATION not in kinds(element):
            continue
        host = process.elements.get(element.attached_to or "")
        if host is not None and host.compensation_handler is None:
            yield Finding(element.id, "Expected an association with a compensation handler, but there is none.")
        if element.outgoing:
            yield Finding(
                element.id,
                f"Expected an association with a compensation handler, but the sequence flow {element.outgoing[0]!r} "
                "leaves the event.",
            )


def activity_refs(process: Process, model: Model) -> Iterator[Finding]:
    """A throw event compensates activities of its own scope; in an event sub-process, those around it as well."""
    for element in process.elements.values():
        for event in element.events if element.type in THROWING else ():
            if event.kind is not EventKind.COMPENSATION or event.activity_ref is None:
                continue
            activity = process.elements.get(event.activity_ref)
            if activity is None:
                found = f"there is no {event.activity_ref!r}"
                yield Finding(element.id, f"Expected an activity to compensate, but {found}.")
            elif activity.scope not in _visible_scopes(element, process):
                found = f"{label(activity)} is in another"
                yield Finding(element.id, f"Expected an activity of the same scope to compensate, but {found}.")


def _visible_scopes(element: Element, process: Process) -> list[str]:
    scopes = [element.scope]
    while (around := process.elements.get(scopes[-1])) and around.type is ElementType.EVENT_SUB_PROCESS:
        scopes.append(around.scope)
    return scopes


def event_sub_processes(process: Process, model: Model) -> Iterator[Finding]:
    """A compensation event sub-process undoes the sub-process around it, in place of a handler (Camunda 7)."""
    seen: dict[str, Element] = {}
    begins = starts(process)
    for element in process.elements.values():
        if element.type is not ElementType.EVENT_SUB_PROCESS:
            continue
        if all(EventKind.COMPENSATION not in kinds(start) for start in begins.get(element.id, [])):
            continue
        around = process.elements.get(element.scope)
        if around is None:
            yield Finding(element.id, "Expected a sub-process around this compensation event, but there is none.")
        first = seen.setdefault(element.scope, element)
        if first is not element:
            yield Finding(element.id, f"Expected one compensation event sub-process, but {label(first)} is one too.")
        if around is not None and around.compensation_handler is not None:
            yield Finding(
                element.id,
                f"Expected either a compensation event sub-process or a handler, but {label(around)} has the handler "
                f"{around.compensation_handler!r} too.",
            )


RULES = (handlers, handler_places, boundary_events, activity_refs, event_sub_processes)

"""Whether a diagram says how long it waits."""

from __future__ import annotations

from bpmn.model import Element, ElementType, EventKind, Process
from service_tasks.paths import scopes_around
from service_tasks.patience import look

MESSAGE_WAITS = frozenset({ElementType.RECEIVE_TASK, ElementType.INTERMEDIATE_CATCH_EVENT})


def waits_for_ever(process: Process, element: Element) -> bool:
    """Whether no timer ends the wait at `element`: on it, beside it at a gateway, or around it."""
    look(2 * len(process.elements))
    around = (element, *scopes_around(process, element))
    hosts = {outer.id for outer in around}
    scopes = {process.id, *(outer.id for outer in around[1:])}
    handlers = {other.id for other in process.elements.values()
                if other.type is ElementType.EVENT_SUB_PROCESS and other.scope in scopes}
    for other in process.elements.values():
        watches = other.attached_to in hosts or (other.type is ElementType.START_EVENT and other.scope in handlers)
        if watches and _is(other, EventKind.TIMER):
            return False
    return not _raced(process, element)


def awaits_message(element: Element) -> bool:
    """Whether it waits for a message from outside."""
    return element.type in MESSAGE_WAITS and _is(element, EventKind.MESSAGE)


def _raced(process: Process, element: Element) -> bool:
    """Whether it stands behind an event-based gateway, beside a timer."""
    for id in element.incoming:
        source = process.elements.get(process.flows[id].source) if id in process.flows else None
        if source is not None and source.type is ElementType.EVENT_BASED_GATEWAY:
            targets = [process.elements.get(process.flows[flow].target) for flow in source.outgoing]
            if any(target is not None and _is(target, EventKind.TIMER) for target in targets):
                return True
    return False


def _is(element: Element, kind: EventKind) -> bool:
    return any(event.kind is kind for event in element.events)

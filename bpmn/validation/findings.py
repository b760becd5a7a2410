"""X."""

from __future__ import annotations

from dataclasses import dataclass

from bpmn.model import Dialect, Element, ElementType, EventKind, Model, Process
from bpmn.problems import Severity


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong or doubtful about the element, flow or process called `id`."""

    id: str
    message: str
    severity: Severity = Severity.ERROR


def doubt(id: str, message: str) -> Finding:
    """Something that deploys, but probably is not what the analyst meant."""
    return Finding(id, message, Severity.WARNING)


def follows(process: Process, model: Model, dialect: Dialect) -> bool:
    """Whether the file says that it was drawn for this Camunda, so that its stricter rules hold."""
    return model.states_platform and process.dialect is dialect


def contents(process: Process) -> dict[str, list[Element]]:
    """The elements directly inside the process and each of its sub-processes."""
    inside: dict[str, list[Element]] = {}
    for element in process.elements.values():
        inside.setdefault(element.scope, []).append(element)
    return inside


def starts(process: Process) -> dict[str, list[Element]]:
    """The start events directly inside the process and each of its sub-processes."""
    found: dict[str, list[Element]] = {}
    for element in process.elements.values():
        if element.type is ElementType.START_EVENT:
            found.setdefault(element.scope, []).append(element)
    return found


def kinds(element: Element) -> set[EventKind]:
    """What an event is about."""
    return {event.kind for event in element.events}

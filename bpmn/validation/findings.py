"""What a rule of the validation yields, and the words it uses for elements."""

from __future__ import annotations

from dataclasses import dataclass

from bpmn.model import Element, ElementType, EventKind, Process, Severity


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong or doubtful about the element, flow or process called `id`."""

    id: str
    message: str
    severity: Severity = Severity.ERROR


def doubt(id: str, message: str) -> Finding:
    """Something that deploys, but probably is not what the analyst meant."""
    return Finding(id, message, Severity.WARNING)


def label(element: Element) -> str:
    """How an element is called in a sentence about another one."""
    return f"{element.name!r} ({element.id})" if element.name else f"{element.id!r}"


def words(type: ElementType | EventKind) -> str:
    """An element type or event kind in words."""
    return type.value.lower().replace("_", " ")


def article(noun: str) -> str:
    """The noun with its indefinite article."""
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


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

"""Which of a service's errors a diagram catches (BPMN 2.0 §10.5.6: the innermost catching event counts)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bpmn.expressions import Expression, Literal
from bpmn.model import Element, ElementType, EventKind, Process


def uncaught_errors(process: Process, element: Element, codes: Iterable[str]) -> list[str]:
    """Those of `codes` that no boundary event and no event sub-process around `element` catches."""
    caught = list(_caught(process, element))
    if any(code is None or not isinstance(code, Literal) for code in caught):
        return []  # one of them catches every code, or a code known only at run time
    texts = {code.value for code in caught if isinstance(code, Literal)}
    return [code for code in codes if code not in texts]


def _caught(process: Process, element: Element) -> Iterator[Expression | None]:
    """The codes of all error events that an error at `element` passes on its way out."""
    inside: Element | None = element
    while inside is not None:
        yield from _codes(other for other in process.elements.values() if other.attached_to == inside.id)
        handlers = {
            other.id for other in process.elements.values()
            if other.type is ElementType.EVENT_SUB_PROCESS and other.scope == inside.scope
        }
        yield from _codes(
            other for other in process.elements.values()
            if other.type is ElementType.START_EVENT and other.scope in handlers
        )
        inside = process.elements.get(inside.scope)


def _codes(events: Iterable[Element]) -> Iterator[Expression | None]:
    for event in events:
        for definition in event.events:
            if definition.kind is EventKind.ERROR:
                yield definition.code

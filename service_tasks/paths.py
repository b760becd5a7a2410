"""Ways through a diagram: what may have been done when an element is reached, and what may still be done after it."""

from __future__ import annotations

from collections.abc import Iterator

from bpmn.model import SCOPES, Element, ElementType, EventKind, Process
from service_tasks.patience import look


def upstream(process: Process, element: Element) -> set[str] | None:
    """The elements that may have been completed when `element` is reached; None means any of them."""
    if element.for_compensation:
        return None
    seen: set[str] = set()
    open_ids = list(_before(process, element))
    while open_ids:
        current = process.elements.get(open_ids.pop())
        if current is None or current.id in seen:
            continue
        look(3)
        seen.add(current.id)
        if current.type is ElementType.EVENT_SUB_PROCESS or any(
            event.kind is EventKind.COMPENSATION for event in current.events
        ):
            return None  # entered from anywhere in its scope; or after handlers that ran out of order
        open_ids.extend(_before(process, current))
        if current.type in SCOPES and not contains(process, current, element):
            look(len(process.elements))
            open_ids.extend(other.id for other in process.elements.values() if other.scope == current.id)
    return seen


def downstream(process: Process, element: Element) -> list[Element]:
    """The elements that may be reached after `element` is completed, nearest first. What follows when it fails
    (its own boundary events) is not among them."""
    seen: dict[str, Element] = {}
    open_ids = _after(process, element)
    while open_ids:
        current = process.elements.get(open_ids.pop(0))
        if current is None or current.id in seen:
            continue
        look(len(process.elements))
        seen[current.id] = current
        open_ids += _after(process, current)
        # A scope that was reached is done from its beginning; one that is left was not.
        if current.type in SCOPES:
            open_ids += [other.id for other in process.elements.values() if other.scope == current.id]
        open_ids += [other.id for other in process.elements.values() if other.attached_to == current.id]
    return list(seen.values())


def scopes_around(process: Process, element: Element) -> Iterator[Element]:
    """The sub-processes that contain `element`, from the inside out."""
    outer = process.elements.get(element.scope)
    while outer is not None:
        yield outer
        outer = process.elements.get(outer.scope)


def contains(process: Process, scope: Element, element: Element) -> bool:
    """Whether `element` is in `scope`, at whatever depth."""
    return any(outer.id == scope.id for outer in scopes_around(process, element))


def _before(process: Process, element: Element) -> Iterator[str]:
    for flow in element.incoming:
        if flow in process.flows:
            yield process.flows[flow].source
    if element.attached_to is not None:
        yield element.attached_to
    elif not element.incoming and element.scope != process.id:
        yield element.scope


def _after(process: Process, element: Element) -> list[str]:
    found = [process.flows[flow].target for flow in element.outgoing if flow in process.flows]
    if found:
        return found
    # The way ends here, so its scope goes on: what comes after the scope comes after this.
    outer = process.elements.get(element.scope)
    return [] if outer is None or element.for_compensation else _after(process, outer)

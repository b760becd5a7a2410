"""Which of a service's errors a diagram catches (BPMN 2.0 §10.5.6: the innermost catching event counts)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bpmn.expressions import Expression, Literal
from bpmn.model import Element, ElementType, EventKind, Model, Process
from bpmn.problems import Problem
from service_tasks.given import called_in
from service_tasks.patience import look
from service_tasks.use import Use


def errors_caught(use: Use) -> Iterator[Problem]:
    """A warning for each error of a service that would become an incident."""
    for code in uncaught_errors(use.model, use.process, use.element, use.contract.policy.errors):
        text = use.contract.policy.errors[code]
        yield use.warning(
            f"Expected an error event that catches {code} from service {use.contract.name!r} ({text.rstrip('.')}), "
            f"but there is none: the error would become an incident."
        )


def uncaught_errors(model: Model, process: Process, element: Element, codes: Iterable[str],
                    through: frozenset[str] = frozenset()) -> list[str]:
    """Those of `codes` that no boundary event and no event sub-process around `element` catches.

    What leaves the process counts as caught if every call activity of the file that calls it catches it.
    """
    look(len(process.elements))
    caught = list(_caught(process, element))
    if any(code is None or not isinstance(code, Literal) for code in caught):
        return []  # one of them catches every code, or a code known only at run time
    texts = {code.value for code in caught if isinstance(code, Literal)}
    left = [code for code in codes if code not in texts]
    callers = [] if process.id in through else _callers(model, process)
    if not left or not callers:
        return left
    escaped: set[str] = set()
    for caller, call in callers:
        escaped.update(uncaught_errors(model, caller, call, left, through | {process.id}))
    return [code for code in left if code in escaped]


def _callers(model: Model, process: Process) -> list[tuple[Process, Element]]:
    look(sum(len(other.elements) for other in model.processes))
    return [
        (other, element) for other in model.processes for element in other.elements.values()
        if called_in(model, element) is process
    ]


def _caught(process: Process, element: Element) -> Iterator[Expression | None]:
    """The codes of all error events that an error at `element` passes on its way out."""
    inside: Element | None = element
    while inside is not None:
        look(len(process.elements))
        yield from _codes(other for other in process.elements.values() if other.attached_to == inside.id)
        # What is thrown inside an event sub-process goes past those beside it: their scope is being handled already.
        if inside.type is not ElementType.EVENT_SUB_PROCESS:
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

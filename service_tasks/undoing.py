"""Whether what a service did can be undone when a later step fails."""

from __future__ import annotations

from collections.abc import Iterator

from bpmn.model import Element, ElementType, EventKind
from bpmn.problems import Problem
from service_tasks.given import contract_of_job
from service_tasks.paths import downstream, scopes_around
from service_tasks.use import Use, static_text, title

FAILING_ENDS = frozenset({EventKind.ERROR, EventKind.CANCEL})


def compensation_drawn(use: Use) -> Iterator[Problem]:
    """A service that can be undone has the handler that undoes it."""
    undo = use.contract.policy.compensated_by
    if undo is None or use.element.for_compensation or use.is_listener:
        return
    handler = use.process.elements.get(use.element.compensation_handler or "")
    if handler is None:
        yield use.warning(
            f"Expected a compensation handler with service {undo!r}, which undoes {use.contract.name!r}, "
            f"but there is none: it cannot be undone when a later step fails."
        )
        return
    drawn = static_text(handler.job.type) if handler.job else None
    if drawn is not None and drawn != undo:
        yield use.warning(f"Expected the compensation handler to call {undo!r}, but it calls {drawn!r}.")


def reversible(use: Use) -> Iterator[Problem]:
    """A step that cannot be undone stands after all that can still fail.

    Services that only read, and those that undo others, leave nothing to undo.
    """
    if use.contract.policy.read_only or use.contract.policy.compensated_by or use.is_listener:
        return
    if use.element.for_compensation or _undoes_another(use) or _has_handler(use):
        return
    failing = _failing_after(use)
    if failing is not None:
        element, how = failing
        again = "another round of it" if element.id == use.element.id else f"{title(element)} after it"
        yield use.warning(
            f"Expected a way to undo service {use.contract.name!r} (compensated_by in its contract, and a "
            f"compensation handler), because {again} can fail ({how}), but there is none: what it did would stay."
        )


def _failing_after(use: Use) -> tuple[Element, str] | None:
    """The nearest element after the use whose failing is foreseen, and how it fails."""
    for element in downstream(use.process, use.element):
        contract = contract_of_job(element, use.registry)
        is_again = element.id == use.element.id
        if contract is not None and contract.policy.errors and not is_again:
            return element, ", ".join(contract.policy.errors)
        if element.type is ElementType.END_EVENT:
            ends = [event for event in element.events if event.kind in FAILING_ENDS]
            if ends:
                return element, f"{ends[0].kind.lower()} end event"
    if use.element.loop is not None and use.contract.policy.errors:
        return use.element, ", ".join(use.contract.policy.errors)
    return None


def _has_handler(use: Use) -> bool:
    return any(
        element.compensation_handler for element in (use.element, *scopes_around(use.process, use.element))
    )


def _undoes_another(use: Use) -> bool:
    return any(contract.policy.compensated_by == use.contract.name for contract in use.registry)

"""Rules about where sequence flows may go (BPMN 2.0 §10.6.1, table 7.3)."""

from __future__ import annotations

from collections.abc import Iterator

from bpmn.model import Element, ElementType, Model, Process
from bpmn.validation.findings import Finding
from bpmn.wording import article, label, words

NEVER_A_TARGET = frozenset({ElementType.START_EVENT, ElementType.BOUNDARY_EVENT, ElementType.EVENT_SUB_PROCESS})
NEVER_A_SOURCE = frozenset({ElementType.END_EVENT, ElementType.EVENT_SUB_PROCESS})


def one_scope(process: Process, model: Model) -> Iterator[Finding]:
    """A sequence flow does not cross the border of a sub-process."""
    for flow in process.flows.values():
        source, target = process.elements.get(flow.source), process.elements.get(flow.target)
        if source and target and source.scope != target.scope:
            yield Finding(
                flow.id,
                f"Expected a sequence flow within one process or sub-process, but it goes from {label(source)} "
                f"to {label(target)}, which is in another.",
            )


def allowed_ends(process: Process, model: Model) -> Iterator[Finding]:
    """Some elements take no sequence flow, some give none."""
    for element in process.elements.values():
        noun = article(words(element.type))
        if element.type in NEVER_A_TARGET and element.incoming:
            yield Finding(element.id, f"Expected no sequence flow into {noun}, but there is {element.incoming[0]!r}.")
        if element.type in NEVER_A_SOURCE and element.outgoing:
            yield Finding(element.id, f"Expected no sequence flow out of {noun}, but there is {element.outgoing[0]!r}.")


def default_flow(process: Process, model: Model) -> Iterator[Finding]:
    """The default flow of an element is one of its own."""
    for element in process.elements.values():
        if element.default_flow is not None and element.default_flow not in element.outgoing:
            yield Finding(
                element.id,
                f"Expected the default flow to leave the element, but {_leaves(element, process)}.",
            )


def _leaves(element: Element, process: Process) -> str:
    flow = process.flows.get(element.default_flow or "")
    source = process.elements.get(flow.source) if flow else None
    return f"{element.default_flow!r} leaves {label(source)}" if source else f"there is no {element.default_flow!r}"


RULES = (one_scope, allowed_ends, default_flow)

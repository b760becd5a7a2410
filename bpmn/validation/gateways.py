"""Rules about gateways and conditions (BPMN 2.0 §10.6)."""

from __future__ import annotations

from collections.abc import Iterator

from bpmn.model import Dialect, Element, ElementType, EventKind, Flow, Model, Process
from bpmn.validation.findings import Finding, doubt, follows
from bpmn.wording import article, label, words

AWAITED = frozenset({EventKind.MESSAGE, EventKind.TIMER, EventKind.SIGNAL, EventKind.CONDITIONAL})
"""What can follow an event-based gateway (BPMN 2.0 §10.6.6; Camunda 7 and 8)."""
CHOOSING = frozenset({ElementType.EXCLUSIVE_GATEWAY, ElementType.INCLUSIVE_GATEWAY})
IGNORES_CONDITIONS = frozenset({ElementType.PARALLEL_GATEWAY, ElementType.EVENT_BASED_GATEWAY})


def choices(process: Process, model: Model) -> Iterator[Finding]:
    """A gateway that chooses can decide about each flow, and for the case that no condition is true."""
    for gateway in process.elements.values():
        if gateway.type not in CHOOSING or len(gateway.outgoing) < 2:
            continue
        flows = [process.flows[id] for id in gateway.outgoing]
        open_flows = [flow for flow in flows if flow.condition is None and flow.id != gateway.default_flow]
        if _must_have_conditions(gateway, open_flows, process, model):
            for flow in open_flows:
                yield Finding(
                    flow.id,
                    f"Expected a condition, or to be the default flow of the {words(gateway.type)} {label(gateway)}, "
                    "but it is neither.",
                )
        elif not open_flows and gateway.default_flow is None:
            yield doubt(gateway.id, "The gateway has no default flow: if no condition is true, there is an incident.")
        yield from _default_with_condition(gateway, process, follows(process, model, Dialect.CAMUNDA_7))


def _must_have_conditions(gateway: Element, open_flows: list[Flow], process: Process, model: Model) -> bool:
    """Camunda 8 wants a condition or the default everywhere. Camunda 7 lets an inclusive gateway take flows without
    condition always, and the parser made a single flow without condition the default of an exclusive gateway."""
    is_strict = follows(process, model, Dialect.CAMUNDA_8)
    return bool(open_flows) and (is_strict or gateway.type is ElementType.EXCLUSIVE_GATEWAY)


def _default_with_condition(gateway: Element, process: Process, is_camunda_7: bool) -> Iterator[Finding]:
    default = process.flows.get(gateway.default_flow or "")
    if default is None or default.condition is None:
        return
    if is_camunda_7 and gateway.type is ElementType.EXCLUSIVE_GATEWAY:
        yield Finding(default.id, f"Expected no condition on the default flow of {label(gateway)}, but there is one.")
    else:
        yield doubt(default.id, f"The default flow of {label(gateway)} has a condition, which is not looked at.")


def ignored_conditions(process: Process, model: Model) -> Iterator[Finding]:
    """A parallel or event-based gateway looks at no condition."""
    for gateway in process.elements.values():
        for id in gateway.outgoing if gateway.type in IGNORES_CONDITIONS else ():
            if process.flows[id].condition is not None:
                yield doubt(id, f"The condition is not looked at: {label(gateway)} is {article(words(gateway.type))}.")


def exclusive_exits(process: Process, model: Model) -> Iterator[Finding]:
    """In Camunda 7 an exclusive gateway goes on, and a single way out has no condition."""
    for gateway in process.elements.values() if follows(process, model, Dialect.CAMUNDA_7) else ():
        if gateway.type is not ElementType.EXCLUSIVE_GATEWAY:
            continue
        if not gateway.outgoing:
            yield Finding(gateway.id, "Expected the exclusive gateway to have an outgoing flow, but it has none.")
        elif len(gateway.outgoing) == 1 and process.flows[gateway.outgoing[0]].condition is not None:
            yield Finding(
                gateway.outgoing[0],
                f"Expected no condition on the only flow out of {label(gateway)}, but there is one.",
            )


def event_gateways(process: Process, model: Model) -> Iterator[Finding]:
    """An event-based gateway leads to events that happen from outside."""
    for gateway in process.elements.values():
        if gateway.type is not ElementType.EVENT_BASED_GATEWAY:
            continue
        if len(gateway.outgoing) < 2:
            yield _few_exits(gateway, follows(process, model, Dialect.CAMUNDA_8))
        seen: dict[tuple[EventKind, str], Element] = {}
        for id in gateway.outgoing:
            target = process.elements.get(process.flows[id].target)
            if target is not None:
                yield from _awaited(target, gateway, seen)


def _awaited(target: Element, gateway: Element, seen: dict[tuple[EventKind, str], Element]) -> Iterator[Finding]:
    """What is wrong with one element after an event-based gateway, after those already `seen`."""
    if not _is_awaited(target):
        yield Finding(
            target.id,
            f"Expected a catching message, timer, signal or conditional event after the event-based gateway "
            f"{label(gateway)}, but this is another {words(target.type)}.",
        )
    if target.type is ElementType.INTERMEDIATE_CATCH_EVENT and len(target.incoming) > 1:
        yield Finding(
            target.id,
            f"Expected no other sequence flow into an event after the event-based gateway {label(gateway)}, "
            "but there is one.",
        )
    for event in target.events:
        if event.kind in (EventKind.MESSAGE, EventKind.SIGNAL) and event.name is not None:
            first = seen.setdefault((event.kind, event.name.text), target)
            if first is not target:
                found = f"{label(first)} waits for the same {words(event.kind)}"
                yield Finding(target.id, f"Expected each event after a gateway to wait for its own, but {found}.")


def _few_exits(gateway: Element, is_strict: bool) -> Finding:
    """Camunda 8 refuses an event-based gateway with one way out; Camunda 7 lets it be."""
    found = "only one" if gateway.outgoing else "none"
    message = f"Expected two outgoing flows of an event-based gateway, but there is {found}."
    return Finding(gateway.id, message) if is_strict or not gateway.outgoing else doubt(gateway.id, message)


def _is_awaited(element: Element) -> bool:
    if element.type is ElementType.RECEIVE_TASK:
        return True
    is_catch = element.type is ElementType.INTERMEDIATE_CATCH_EVENT
    return is_catch and all(event.kind in AWAITED for event in element.events)


RULES = (choices, ignored_conditions, exclusive_exits, event_gateways)

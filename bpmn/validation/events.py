"""Rules about which event may stand where (BPMN 2.0 table 10.93)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bpmn.model import ACTIVITIES, Dialect, Element, ElementType, EventKind, Model, Process, TimerKind
from bpmn.validation.findings import Finding, doubt, follows
from bpmn.wording import article, label, words

ALLOWED: Mapping[ElementType, frozenset[EventKind]] = {
    ElementType.INTERMEDIATE_CATCH_EVENT: frozenset({
        EventKind.MESSAGE, EventKind.TIMER, EventKind.SIGNAL, EventKind.CONDITIONAL, EventKind.LINK,
    }),
    ElementType.INTERMEDIATE_THROW_EVENT: frozenset({
        EventKind.NONE, EventKind.MESSAGE, EventKind.SIGNAL, EventKind.ESCALATION, EventKind.COMPENSATION,
        EventKind.LINK,
    }),
    ElementType.BOUNDARY_EVENT: frozenset({
        EventKind.MESSAGE, EventKind.TIMER, EventKind.SIGNAL, EventKind.ERROR, EventKind.ESCALATION,
        EventKind.CONDITIONAL, EventKind.COMPENSATION, EventKind.CANCEL,
    }),
    ElementType.END_EVENT: frozenset({
        EventKind.NONE, EventKind.MESSAGE, EventKind.SIGNAL, EventKind.ERROR, EventKind.ESCALATION,
        EventKind.TERMINATE, EventKind.COMPENSATION, EventKind.CANCEL,
    }),
}
"""What each event may be about. Start events depend on their scope (`bpmn.validation.scopes`)."""

NAMED = frozenset({EventKind.MESSAGE, EventKind.SIGNAL})
CODED = frozenset({EventKind.ERROR, EventKind.ESCALATION})


def allowed_kinds(process: Process, model: Model) -> Iterator[Finding]:
    """An event is about something that can happen at its place."""
    for element in process.elements.values():
        allowed = ALLOWED.get(element.type)
        if allowed is None:
            continue
        for event in element.events:
            if event.kind is EventKind.NONE and event.kind not in allowed:
                yield Finding(element.id, f"Expected the {words(element.type)} to have a trigger, but it has none.")
            elif event.kind not in allowed:
                found = f"{article(words(event.kind))} event cannot be {article(words(element.type))}"
                yield Finding(element.id, f"Expected another kind of event here, but {found}.")


def boundary_host(process: Process, model: Model) -> Iterator[Finding]:
    """A boundary event sits on an activity of its own scope."""
    for element in process.elements.values():
        if element.type is not ElementType.BOUNDARY_EVENT:
            continue
        host = process.elements.get(element.attached_to or "")
        if host is None:
            found = f"there is no {element.attached_to!r}" if element.attached_to else "it is attached to nothing"
            yield Finding(element.id, f"Expected the boundary event to be attached to an activity, but {found}.")
        elif host.type not in ACTIVITIES or host.type is ElementType.EVENT_SUB_PROCESS:
            found = f"{label(host)} is {article(words(host.type))}"
            yield Finding(element.id, f"Expected the boundary event to be attached to an activity, but {found}.")
        elif host.scope != element.scope:
            yield Finding(
                element.id,
                f"Expected the boundary event in the same sub-process as {label(host)}, but it is in another.",
            )


def interrupting_errors(process: Process, model: Model) -> Iterator[Finding]:
    """A caught error always interrupts (BPMN 2.0 §10.5.6)."""
    for element in process.elements.values():
        if not element.interrupting and any(event.kind is EventKind.ERROR for event in element.events):
            yield Finding(element.id, "Expected an error event to interrupt, but it is non-interrupting.")


def cancel_events(process: Process, model: Model) -> Iterator[Finding]:
    """Cancel events belong to transactions (BPMN 2.0 §10.3.5)."""
    for element in process.elements.values():
        if not any(event.kind is EventKind.CANCEL for event in element.events):
            continue
        around = process.elements.get(element.scope)
        host = process.elements.get(element.attached_to or "")
        if element.type is ElementType.END_EVENT and (around is None or around.type is not ElementType.TRANSACTION):
            yield Finding(element.id, "Expected a cancel end event inside a transaction, but it is not in one.")
        if element.type is ElementType.BOUNDARY_EVENT and host and host.type is not ElementType.TRANSACTION:
            found = f"{label(host)} is none"
            yield Finding(element.id, f"Expected a cancel boundary event on a transaction, but {found}.")


def distinct_catches(process: Process, model: Model) -> Iterator[Finding]:
    """On one activity or scope, one event catches a message, a signal, an error or an escalation (both Camundas)."""
    seen: dict[tuple[str, EventKind, str | None], Element] = {}
    for element in process.elements.values():
        place = _place(element, process)
        for event in element.events if place else ():
            if event.kind not in NAMED | CODED:
                continue
            what = event.name if event.kind in NAMED else event.code
            text = None if what is None else what.text
            first = seen.setdefault((place, event.kind, text), element)
            if first is not element:
                found = f"{label(first)} catches {'the same' if text else 'every'} {words(event.kind)}"
                yield Finding(element.id, f"Expected each event to catch something else, but {found}.")


def _place(element: Element, process: Process) -> str:
    """Where an event waits: on its activity, or as event sub-process in a scope."""
    if element.type is ElementType.BOUNDARY_EVENT:
        return f"on {element.attached_to}"
    around = process.elements.get(element.scope)
    if element.type is ElementType.START_EVENT and around and around.type is ElementType.EVENT_SUB_PROCESS:
        return f"in {around.scope}"
    return ""


def constant_catches(process: Process, model: Model) -> Iterator[Finding]:
    """What is caught without an instance, or by its code, cannot depend on variables.

    Camunda 8 documentation, "Error events" and "Message events"; Camunda 7 likewise.
    """
    for element in process.elements.values():
        is_catch = element.type in (ElementType.BOUNDARY_EVENT, ElementType.START_EVENT)
        for event in element.events if is_catch else ():
            if event.kind in CODED and event.code is not None and not event.code.is_static:
                what = f"the {words(event.kind)} code"
                yield Finding(element.id, f"Expected a constant for {what} to catch, but it is an expression.")
            begins = element.type is ElementType.START_EVENT and element.scope == process.id
            if begins and event.kind in NAMED and event.name is not None and event.name.names:
                what = f"the name of the {words(event.kind)}"
                yield Finding(element.id, f"Expected {what} to need no variables, but there are none before the start.")


def message_throws(process: Process, model: Model) -> Iterator[Finding]:
    """In Camunda 8 a worker sends the message of a throw event, or `zeebe:publishMessage` does."""
    for element in process.elements.values() if follows(process, model, Dialect.CAMUNDA_8) else ():
        is_throw = element.type in (ElementType.INTERMEDIATE_THROW_EVENT, ElementType.END_EVENT)
        for event in element.events if is_throw and element.job is None else ():
            if event.kind is EventKind.MESSAGE and event.correlation_key is None:
                wanted = "a job type (zeebe:taskDefinition) to send the message"
                yield Finding(element.id, f"Expected {wanted}, but there is none.")


def timer_cycles(process: Process, model: Model) -> Iterator[Finding]:
    """A cycle repeats, so it needs an event that can happen more than once."""
    for element in process.elements.values():
        is_once = element.type is ElementType.INTERMEDIATE_CATCH_EVENT or (
            element.interrupting and _place(element, process) != ""
        )
        if not is_once or all(event.timer_kind is not TimerKind.CYCLE for event in element.events):
            continue
        message = "Expected a date or a duration, but the timer is a cycle: here it can happen only once."
        is_refused = follows(process, model, Dialect.CAMUNDA_8)
        yield Finding(element.id, message) if is_refused else doubt(element.id, message)


RULES = (allowed_kinds, boundary_host, interrupting_errors, cancel_events, distinct_catches, constant_catches,
         message_throws, timer_cycles)

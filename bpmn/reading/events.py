"""Reads event definitions: what an event waits for or throws (BPMN 2.0 §10.5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from bpmn import camunda
from bpmn.expressions import Expression, Literal
from bpmn.model import Dialect, ElementType, EventDefinition, EventKind, TimerKind
from bpmn.reading import timers
from bpmn.reading.nodes import (
    BPMN,
    CAMUNDA,
    SCOPE_TAGS,
    ZEEBE,
    Node,
    attribute,
    child,
    elements,
    extension,
    flag,
    local_name,
    text,
)
from bpmn.reading.source import Source
from bpmn.wording import article, quoted

THROWING = frozenset({ElementType.INTERMEDIATE_THROW_EVENT, ElementType.END_EVENT})
VARIABLE_EVENTS = frozenset({"create", "update", "delete"})
TIMERS = {"timeDate": TimerKind.DATE, "timeDuration": TimerKind.DURATION, "timeCycle": TimerKind.CYCLE}


def read_events(node: Node, type: ElementType, source: Source, has_job: bool) -> tuple[EventDefinition, ...]:
    """What the event (or receive task) `node` is about; one definition of kind NONE for a none event.

    A throw event that a worker performs (`has_job`) needs no message.
    """
    if type is ElementType.RECEIVE_TASK:
        return () if attribute(node, "messageRef") is None else (_message(node, type, source, has_job),)
    definitions = [kid for kid in elements(node) if kid.tag.startswith(BPMN) and kid.tag.endswith("EventDefinition")]
    events = []
    for definition in definitions:
        reader = READERS.get(local_name(definition))
        if reader is None:
            source.error(definition, f"Expected a supported event, but {local_name(definition)} is not one.")
        else:
            events.append(reader(definition, type, source, has_job))
    return tuple(events) or (EventDefinition(kind=EventKind.NONE),)


def _message(node: Node, type: ElementType, source: Source, has_job: bool) -> EventDefinition:
    message = source.referred(node, "messageRef", "message")
    if message is None:
        return _without_message(node, type, source, has_job)
    name = attribute(message, "name")
    if name is None:
        source.error(node, f"Expected the message {message.get('id')!r} to have a name, but it has none.")
        return EventDefinition(kind=EventKind.MESSAGE)
    sent = extension(node, ZEEBE + "publishMessage")
    key = attribute(extension(message, ZEEBE + "subscription") if sent is None else sent, "correlationKey")
    if key is None and _needs_key(node, type, source):
        source.error(
            node, f"Expected the message {name!r} to have a correlation key (zeebe:subscription), but it has none."
        )
    return EventDefinition(
        kind=EventKind.MESSAGE,
        name=source.expression(node, name, "the message name"),
        correlation_key=source.optional(node, key, "the correlation key"),
        message_id=source.optional(sent, attribute(sent, "messageId"), "the message id"),
        time_to_live=_time_to_live(node, sent, source),
    )


def _time_to_live(node: Node, sent: Node | None, source: Source) -> Expression | None:
    duration = source.optional(sent, attribute(sent, "timeToLive"), "the time to live")
    if duration is not None:
        _check_timer(node, TimerKind.DURATION, duration, source)
    return duration


def _without_message(node: Node, type: ElementType, source: Source, has_job: bool) -> EventDefinition:
    is_named = attribute(node, "messageRef") is not None
    if type in THROWING and source.dialect is Dialect.CAMUNDA_7 and not is_named and not has_job:
        # Camunda 7 passes through a throw event that says neither what to send nor how.
        source.warn(node, "The event has no message and no implementation: it sends nothing.")
        return EventDefinition(kind=EventKind.NONE)
    if is_named or not has_job:
        _refuse_reference(node, "message", "messageRef", source)
    return EventDefinition(kind=EventKind.MESSAGE)


def _needs_key(node: Node, type: ElementType, source: Source) -> bool:
    """Camunda 8 correlates every caught message by a key, except the ones that start a process."""
    if not source.stated or source.dialect is not Dialect.CAMUNDA_8 or type in THROWING:
        return False
    scope = next(node.iterancestors(*SCOPE_TAGS), None)
    return type is not ElementType.START_EVENT or (scope is not None and flag(scope, "triggeredByEvent"))


def _refuse_reference(node: Node, what: str, reference: str, source: Source) -> None:
    wanted = attribute(node, reference)
    if wanted is None:
        source.error(node, f"Expected {article(what)} ({reference}), but none is chosen.")
    else:
        source.error(node, f"Expected {article(what)} with the id {quoted(wanted)} in the file, but there is none.")


def _signal(node: Node, type: ElementType, source: Source, has_job: bool) -> EventDefinition:
    signal = source.referred(node, "signalRef", "signal")
    if signal is None:
        _refuse_reference(node, "signal", "signalRef", source)
        return EventDefinition(kind=EventKind.SIGNAL)
    name = attribute(signal, "name")
    if name is None:
        source.error(node, f"Expected the signal {signal.get('id')!r} to have a name, but it has none.")
    event = EventDefinition(kind=EventKind.SIGNAL, name=source.optional(node, name, "the signal name"))
    is_filled = type in THROWING and source.reads(Dialect.CAMUNDA_7)
    return camunda.read_payload(node, event, source) if is_filled else event


def _timer(node: Node, type: ElementType, source: Source, has_job: bool) -> EventDefinition:
    for tag, kind in TIMERS.items():
        written = text(child(node, BPMN + tag))
        if written is not None:
            timer = source.expression(node, written, "the timer")
            _check_timer(node, kind, timer, source)
            return EventDefinition(kind=EventKind.TIMER, timer_kind=kind, timer=timer)
    source.error(node, "Expected the timer to have a date, a duration or a cycle, but it has none.")
    return EventDefinition(kind=EventKind.TIMER)


def _check_timer(node: Node, kind: TimerKind, timer: Expression, source: Source) -> None:
    if isinstance(timer, Literal) and (wanted := timers.expected(kind, timer.text)):
        source.error(node, f"Expected {wanted}, but the timer says {quoted(timer.text)}.")


def _error(node: Node, type: ElementType, source: Source, has_job: bool) -> EventDefinition:
    reference = attribute(node, "errorRef")
    error = source.referred(node, "errorRef", "error")
    code = attribute(error, "errorCode")
    if reference is not None and error is None:
        if source.dialect is Dialect.CAMUNDA_7:
            # Camunda 7 manual, "Error Events": a reference to an undefined error is taken as the code itself.
            code = reference
        else:
            _refuse_reference(node, "error", "errorRef", source)
    elif type in THROWING and code is None:
        if error is None:
            _refuse_reference(node, "error", "errorRef", source)
        else:
            source.error(node, f"Expected the error {reference!r} to have a code, but it has none.")
    return EventDefinition(
        kind=EventKind.ERROR,
        code=source.optional(node, code, "the error code"),
        message=source.optional(error, attribute(error, CAMUNDA + "errorMessage"), "the error message"),
        code_variable=attribute(node, CAMUNDA + "errorCodeVariable"),
        message_variable=attribute(node, CAMUNDA + "errorMessageVariable"),
    )


def _escalation(node: Node, type: ElementType, source: Source, has_job: bool) -> EventDefinition:
    escalation = source.referred(node, "escalationRef", "escalation")
    code = attribute(escalation, "escalationCode")
    if escalation is None and (type in THROWING or attribute(node, "escalationRef")):
        _refuse_reference(node, "escalation", "escalationRef", source)
    elif type in THROWING and code is None:
        source.error(node, f"Expected the escalation {node.get('escalationRef')!r} to have a code, but it has none.")
    return EventDefinition(
        kind=EventKind.ESCALATION,
        code=source.optional(node, code, "the escalation code"),
        code_variable=attribute(node, CAMUNDA + "escalationCodeVariable"),
    )


def _conditional(node: Node, type: ElementType, source: Source, has_job: bool) -> EventDefinition:
    condition = source.condition(child(node, BPMN + "condition"), "the condition")
    if condition is None:
        source.error(node, "Expected the conditional event to have a condition, but it has none.")
    return EventDefinition(
        kind=EventKind.CONDITIONAL, condition=condition, variable_name=attribute(node, CAMUNDA + "variableName"),
        variable_events=_variable_events(node, source),
    )


def _variable_events(node: Node, source: Source) -> frozenset[str]:
    """Which changes of a variable count (Camunda 7 manual, "Conditional Events", `camunda:variableEvents`)."""
    written = (attribute(node, CAMUNDA + "variableEvents") or "").replace(" ", "")
    events = frozenset(written.split(",")) if written else frozenset[str]()
    if events - VARIABLE_EVENTS:
        source.error(node, f"Expected the variable events to be some of create, update, delete, but they are "
                           f"{quoted(written)}.")
    return events


def _link(node: Node, type: ElementType, source: Source, has_job: bool) -> EventDefinition:
    name = attribute(node, "name")
    if name is None:
        source.error(node, "Expected the link to have a name, but it has none.")
        return EventDefinition(kind=EventKind.LINK)
    return EventDefinition(kind=EventKind.LINK, name=Literal(name))


def _compensation(node: Node, type: ElementType, source: Source, has_job: bool) -> EventDefinition:
    return EventDefinition(kind=EventKind.COMPENSATION, activity_ref=attribute(node, "activityRef"))


def _plain(kind: EventKind) -> Reader:
    return lambda node, type, source, has_job: EventDefinition(kind=kind)


Reader = Callable[[Node, ElementType, Source, bool], EventDefinition]
READERS: Mapping[str, Reader] = MappingProxyType({
    "messageEventDefinition": _message,
    "timerEventDefinition": _timer,
    "signalEventDefinition": _signal,
    "errorEventDefinition": _error,
    "escalationEventDefinition": _escalation,
    "conditionalEventDefinition": _conditional,
    "linkEventDefinition": _link,
    "compensateEventDefinition": _compensation,
    "terminateEventDefinition": _plain(EventKind.TERMINATE),
    "cancelEventDefinition": _plain(EventKind.CANCEL),
})
"""How each event definition is read. A kind that is not here is not supported."""

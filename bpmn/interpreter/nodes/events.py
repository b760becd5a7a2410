"""Events: what waits for something to happen, and what makes it happen (BPMN 2.0 §10.5, §13.5)."""

from __future__ import annotations

from typing import Any

from SpiffWorkflow.bpmn.specs.defaults import (
    BoundaryEvent as SpiffBoundaryEvent,
)
from SpiffWorkflow.bpmn.specs.defaults import (
    EndEvent as SpiffEndEvent,
)
from SpiffWorkflow.bpmn.specs.defaults import (
    EventBasedGateway as SpiffEventBasedGateway,
)
from SpiffWorkflow.bpmn.specs.defaults import (
    IntermediateCatchEvent as SpiffIntermediateCatchEvent,
)
from SpiffWorkflow.bpmn.specs.defaults import (
    IntermediateThrowEvent as SpiffIntermediateThrowEvent,
)
from SpiffWorkflow.bpmn.specs.defaults import (
    StartEvent as SpiffStartEvent,
)
from SpiffWorkflow.specs.base import TaskSpec

from bpmn.interpreter import journal, throwing
from bpmn.interpreter.failures import ErrorUncaught, MappingFailed, ValueFailed
from bpmn.interpreter.nodes.base import Node
from bpmn.interpreter.nodes.compensation import Compensating
from bpmn.interpreter.nodes.tasks import Activity, Job, link_pass
from bpmn.interpreter.scope import Ledger, Scope
from bpmn.interpreter.task import CANCELLED, COMPLETED, STARTED, WAITING, Token
from bpmn.interpreter.values import assign_path, evaluate, optional_text, text_of
from bpmn.model import EventDefinition, EventKind, TimerKind
from bpmn.reading import timers

WAITED_FOR = frozenset({EventKind.MESSAGE, EventKind.TIMER, EventKind.SIGNAL, EventKind.CONDITIONAL})


def waited_for(events: tuple[EventDefinition, ...]) -> tuple[EventDefinition, ...]:
    """Those of `events` that a token can wait for; errors and the like come to their catcher by themselves."""
    return tuple(e for e in events if e.kind in WAITED_FOR)


def open_event(token: Token, node: Node, event: EventDefinition, index: int, scope: Scope, *,
               interrupting: bool = True) -> None:
    """Begin to wait for an event. The names, keys and times are evaluated now, once.

    Raises:
        ValueFailed: an expression does not give what the event needs.
    """
    top = token.workflow.top_workflow
    if event.kind == EventKind.TIMER:
        assert event.timer is not None
        assert event.timer_kind is not None
        text = text_of(event.timer, scope, "the timer")
        repeats = event.timer_kind == TimerKind.CYCLE and not interrupting
        top.record(journal.TimerOpened(token.id, node.element, event.timer_kind.value, text, index, repeats))
    elif event.kind == EventKind.CONDITIONAL:
        assert event.condition is not None
        top.conditions[token.id] = token
        top.record(journal.SubscriptionOpened(
            token.id, node.element, "CONDITION", event.condition.text, None, index, interrupting))
    elif event.kind in WAITED_FOR:
        assert event.name is not None
        name = text_of(event.name, scope, f"the {event.kind.value.lower()} name")
        key = optional_text(event.correlation_key, scope, "the correlation key")
        if event.correlation_key is not None and key is None:
            text_of(event.correlation_key, scope, "the correlation key")
        if event.kind == EventKind.SIGNAL:
            token.internal_data.setdefault("signals", {})[index] = name
        top.record(journal.SubscriptionOpened(
            token.id, node.element, event.kind.value, name, key, index, interrupting))


class Catching(Node):
    """Waits for its events; the first that happens (or all, for a parallel multiple event) lets it go on."""

    def link(self) -> None:
        self.awaited = waited_for(self.element.events)
        super().link()

    def await_events(self, token: Token) -> bool | None:
        """Open the waits; True when there is nothing to wait for."""
        if not self.awaited:
            return True
        token._set_state(WAITING)
        for index, event in enumerate(self.awaited):
            open_event(token, self, event, index, token.scope)
        return None

    def trigger(self, token: Token, index: int, variables: dict[str, Any] | None) -> None:
        self.result(token, variables)
        if self.element.parallel_multiple:
            seen = token.internal_data.setdefault("seen", [])
            if index not in seen:
                seen.append(index)
            if len(seen) < len(self.awaited):
                return
        token.workflow.top_workflow.record(journal.WaitClosed(token.id))
        token.complete()


class StartEvent(Node, SpiffStartEvent):
    """A start event. What it waits for is a subscription of the definition, or the event sub-process's business."""

    def _link_inline(self) -> None:
        link_pass(self)


class IntermediateCatchEvent(Catching, SpiffIntermediateCatchEvent):
    """Waits in the flow; a link catch event just goes on."""

    def _link_inline(self) -> None:
        if not self.awaited:
            link_pass(self)

    def run(self, token: Token) -> bool | None:
        return self.await_events(token)


class ReceiveTask(Catching, Activity):
    """Waits for its message; without one (Camunda 7) until somebody completes it."""

    waits = True

    def run(self, token: Token) -> bool | None:
        if self.await_events(token):
            token._set_state(STARTED)
        return None


class EventBasedGateway(Catching, SpiffEventBasedGateway):
    """Waits for the events that follow it; the first one wins."""

    def connect(self, taskspec: Node) -> None:
        """Connect without moving the event's definition here: a receive task has none."""
        TaskSpec.connect(self, taskspec)

    def link(self) -> None:
        super().link()
        self.conditional = False
        pairs = [(branch, event) for branch in self.branches for event in waited_for(branch.target.element.events)]
        self.targets = tuple(branch for branch, _ in pairs)
        self.awaited = tuple(event for _, event in pairs)

    def run(self, token: Token) -> bool | None:
        token._set_state(WAITING)
        for index, (branch, event) in enumerate(zip(self.targets, self.awaited, strict=True)):
            open_event(token, branch.target, event, index, token.scope)
        return None

    def trigger(self, token: Token, index: int, variables: dict[str, Any] | None) -> None:
        branch = self.targets[index]
        workflow = token.workflow
        top = workflow.top_workflow
        top.record(journal.WaitClosed(token.id))
        top.record(journal.Left(token.id))
        token._state = COMPLETED
        top.forget(token)
        throwing.fire(workflow, branch.target, variables, flow=branch.id)
        workflow.consume(token)


class BoundaryEvent(Node, SpiffBoundaryEvent):
    """Attached to an activity. While the activity runs, an armed token of this node waits below the activity's."""

    def link(self) -> None:
        self.catches = self.element.events
        super().link()

    def _link_inline(self) -> None:
        link_pass(self)

    def arm(self, host: Token) -> None:
        """Begin to wait while `host` is active.

        Raises:
            ValueFailed: the event's name, key or time cannot be evaluated.
        """
        token = Token(host.workflow, self, host, WAITING, scope=host.scope)
        for index, event in enumerate(self.awaited):
            open_event(token, self, event, index, host.scope, interrupting=self.element.interrupting)

    def trigger(self, token: Token, index: int, variables: dict[str, Any] | None) -> None:
        assert token.parent is not None
        self.catch(token.parent, variables)

    def catch(self, host: Token, variables: dict[str, Any] | None) -> None:
        """The event happened while `host` was active."""
        workflow = host.workflow
        if self.element.interrupting:
            workflow.top_workflow.cancel_tokens([host])
        throwing.fire(workflow, self, variables)


class Throwing(Compensating, Node):
    """An event that makes something happen."""

    def _link_inline(self) -> None:
        if all(e.kind in (EventKind.NONE, EventKind.LINK) for e in self.element.events):
            link_pass(self)

    def run(self, token: Token) -> bool | None:
        if "compensating" in token.internal_data:
            return self.after_compensation(token)
        result: bool | None = True
        for event in self.element.events:
            throw = THROW.get(event.kind)
            if throw is not None:
                result = throw(self, token, event)
            if token._state & CANCELLED:
                return None
        return result

    def after_compensation(self, token: Token) -> bool | None:
        """All handlers are done."""
        if any(e.kind == EventKind.CANCEL for e in self.element.events):
            throwing.cancel_transaction(token)
            return None
        return True

    def throw_message(self, token: Token, event: EventDefinition) -> bool | None:
        assert event.name is not None
        scope = token.scope
        time_to_live = optional_text(event.time_to_live, scope, "the time to live")
        if time_to_live is not None and not timers.is_duration(time_to_live):
            raise ValueFailed(f"Expected the time to live of the message to be an ISO 8601 duration such as PT1H, "
                              f"but it is {time_to_live!r}.")
        token.workflow.top_workflow.record(journal.Thrown(
            token.id, self.element, "MESSAGE", text_of(event.name, scope, "the message name"),
            optional_text(event.correlation_key, scope, "the correlation key"), self.payload(token, event),
            optional_text(event.message_id, scope, "the message id"), time_to_live))
        return True

    def payload(self, token: Token, event: EventDefinition) -> dict[str, Any]:
        """The variables that go with a message or signal: those of the event's own, and what it says."""
        scope = token.scope
        variables = scope.visible() if event.payload_all else scope.local() if scope.key == token.id else {}
        given = Scope(0, Ledger())
        for mapping in event.payload:
            assign_path(given, mapping.target,
                        evaluate(mapping.source, scope, f"the value for {mapping.target!r}", MappingFailed), local=True)
        return variables | given.local()

    def throw_signal(self, token: Token, event: EventDefinition) -> bool | None:
        assert event.name is not None
        name = text_of(event.name, token.scope, "the signal name")
        variables = self.payload(token, event)
        top = token.workflow.top_workflow
        top.record(journal.Thrown(
            token.id, self.element, "SIGNAL", name, None, variables,
            business_id=optional_text(event.business_id, token.scope, "the business id")))
        throwing.signal_inside(top, name, variables)
        return True

    def throw_escalation(self, token: Token, event: EventDefinition) -> bool | None:
        code = "" if event.code is None else text_of(event.code, token.scope, "the escalation code")
        throwing.throw_code(token, EventKind.ESCALATION, code)
        return True

    def throw_error(self, token: Token, event: EventDefinition) -> bool | None:
        code = "" if event.code is None else text_of(event.code, token.scope, "the error code")
        message = optional_text(event.message, token.scope, "the error message") or ""
        if throwing.throw_code(token, EventKind.ERROR, code, message):
            return None
        raise ErrorUncaught(
            f"Expected to catch the error {code!r} thrown by {self.label}, but no boundary event or event "
            f"sub-process around it catches that code.")

    def throw_compensation(self, token: Token, event: EventDefinition) -> bool | None:
        return self.compensate(token, event.activity_ref)

    def throw_cancel(self, token: Token, event: EventDefinition) -> bool | None:
        token.workflow.clear(keep=token)
        return self.compensate(token, None) and self.after_compensation(token)

    def throw_terminate(self, token: Token, event: EventDefinition) -> bool | None:
        token.workflow.clear(keep=token)
        return True


THROW = {
    EventKind.MESSAGE: Throwing.throw_message,
    EventKind.SIGNAL: Throwing.throw_signal,
    EventKind.ESCALATION: Throwing.throw_escalation,
    EventKind.ERROR: Throwing.throw_error,
    EventKind.COMPENSATION: Throwing.throw_compensation,
    EventKind.CANCEL: Throwing.throw_cancel,
    EventKind.TERMINATE: Throwing.throw_terminate,
}


class IntermediateThrowEvent(Throwing, SpiffIntermediateThrowEvent):
    """Throws and goes on."""


class EndEvent(Throwing, SpiffEndEvent):
    """Throws, and ends its token."""


class MessageJobThrow(Job):
    """A message throw or end event that a worker carries out (`zeebe:taskDefinition`, `camunda:type="external"`)."""

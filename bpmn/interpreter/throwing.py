"""How something thrown finds who catches it: outwards from the token, scope by scope.

Sources: BPMN 2.0 §10.5.7 "Handling Events"; Camunda 7 manual "Error Events", "Escalation Events"; Camunda 8 docs
"Error events" (exact code before catch-all, nearest scope first).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bpmn.interpreter import journal
from bpmn.interpreter.failures import Failure
from bpmn.interpreter.nodes import listeners
from bpmn.interpreter.nodes.base import pick
from bpmn.interpreter.task import STARTED, WAITING, Token
from bpmn.model import EventKind

if TYPE_CHECKING:
    from bpmn.interpreter.nodes.base import Node
    from bpmn.interpreter.workflow import ProcessWorkflow, ScopeWorkflow


def fire(workflow: ScopeWorkflow, node: Node, variables: Mapping[str, Any] | None, flow: str | None = None) -> None:
    """Put a token at an event that has happened, with what it brought, and let it go on from there."""
    workflow.live += 1
    token = Token(workflow, node, None, STARTED, flow=flow)
    node.record_entered(token)
    node.result(token, dict(variables) if variables else None)
    try:
        if node.element.listeners and listeners.are_due(token, listeners.START):
            token.internal_data["fired"] = 1    # it is not to be waited for again
            return
    except Failure as failure:
        token.internal_data["fired"] = 1
        workflow.top_workflow.fail(token, "listener", failure)
        return
    node._on_complete(token)


def throw_code(token: Token, kind: EventKind, code: str, message: str = "",
               variables: Mapping[str, Any] | None = None) -> bool:
    """Throw an error or escalation at `token`; whether anything caught it.

    Whatever is not caught inside an instance that was called is offered to its caller by the engine.
    """
    cursor = token
    inside_handler = False
    while True:
        workflow = cursor.workflow
        boundary = cursor.task_spec.boundary_for(kind, code, workflow.scope)
        if boundary is not None:
            boundary.catch(cursor, _caught(boundary, code, message, variables))
            return True
        if cursor.parent is not None:
            cursor = cursor.parent
            continue
        inside_handler = cursor.task_spec.is_event_sub_process
        if not inside_handler:
            handler = pick(workflow.spec.event_sub_processes, kind, code, workflow.scope)
            if handler is not None:
                handler.start_in(workflow, _caught(handler, code, message, variables))
                return True
        owner = workflow.parent_task
        if owner is None:
            return _escape(token, kind, code, message, variables)
        cursor = owner


def _caught(catcher: Node, code: str, message: str, variables: Mapping[str, Any] | None) -> dict[str, Any]:
    values = dict(variables or {})
    for event in catcher.catches:
        if event.code_variable:
            values[event.code_variable] = code
        if event.message_variable:
            values[event.message_variable] = message
    return values


def _escape(token: Token, kind: EventKind, code: str, message: str, variables: Mapping[str, Any] | None) -> bool:
    top = token.workflow.top_workflow
    if not top.has_caller:
        return False
    if kind == EventKind.ERROR:
        top.record(journal.ErrorEscaped(token.id, code, message, dict(variables or {})))
        top.abandon()
        return True
    top.record(journal.EscalationEscaped(token.id, code))
    return True


def cancel_transaction(token: Token) -> None:
    """A cancel end event has compensated its transaction: go on from the cancel boundary event, if there is one.

    That belongs to all instances of a multi-instance transaction, so all of them are cancelled (Camunda 7 manual
    "Cancel and Compensation Events").
    """
    host = token.workflow.parent_task
    assert host is not None, "a cancel end event stands in a transaction (checked at deploy)"
    if host.parent is not None and host.parent.task_spec.inner is host.task_spec:
        host = host.parent
    boundary = host.task_spec.boundary_for(EventKind.CANCEL, None, host.workflow.scope)
    if boundary is not None:
        boundary.catch(host, None)
        return
    workflow = host.workflow
    workflow.top_workflow.cancel_tokens([host])
    if host.parent is not None:
        host.parent.task_spec.child_left(host.parent, host)
    elif workflow.live == 0 and not workflow.done:
        workflow.end()


def signal_inside(top: ProcessWorkflow, name: str, variables: Mapping[str, Any] | None) -> int:
    """Deliver a signal to everything in this instance that waits for it now; how many that were."""
    # In the order of keys, which a reload does not change.
    waiting = [(token, index) for _, token in sorted(top.index.items()) for index, wanted
               in token.internal_data.get("signals", {}).items() if wanted == name]
    count = 0
    for token, index in waiting:
        if top.index.get(token.id) is token and token._state & (WAITING | STARTED):
            token.task_spec.trigger(token, index, dict(variables or {}))
            count += 1
    return count

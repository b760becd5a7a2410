"""Writes down what happened inside an instance: one handler per kind of journal entry (`bpmn.interpreter.journal`)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, update

from bpmn.expressions import EvaluationError, ExpressionError, camunda8
from bpmn.interpreter import journal
from bpmn.model import ElementType
from engine import calls, incidents, messages, schema, signals, subscriptions, timers
from engine.actions import Complete
from engine.cluster.wakeup import ended_topic
from engine.events import business, noting
from engine.live import Live
from engine.programs import CALL, JOB, SUBSCRIPTION, TIMER, USER_TASK
from engine.states import ElementState, InstanceState
from engine.tasks import user_tasks
from engine.work import opening

if TYPE_CHECKING:
    from engine.transaction import Transaction

_e = schema.element_instances.c

END_ELEMENT = (
    update(schema.element_instances).where(_e.key == bindparam("b_key"))
    .values(state=bindparam("b_state"), ended_at=bindparam("b_ended_at"))
)

CLOSERS: Mapping[str, Callable[[Transaction, Live, int], None]] = {
    JOB: opening.stop_waiting,
    USER_TASK: user_tasks.stop_waiting,
    TIMER: timers.stop_waiting,
    SUBSCRIPTION: subscriptions.stop_waiting,
    CALL: calls.stop_waiting,
}

OUTCOMES: Mapping[InstanceState, str] = {
    InstanceState.COMPLETED: "completed", InstanceState.TERMINATED: "terminated",
}

REASON_PROPERTY = "reasonCode"
"""The property of an end event (`zeebe:property`, `camunda:property`) that says with which code the instance ends:
a text, or FEEL behind `=`."""

REASON_VARIABLE = "reason"
"""Without such a property this variable says it, if it holds a code (capitals, digits, underscores)."""

REASON_CODE = re.compile(r"[A-Z][A-Z0-9_]{1,127}\Z")


def record(tx: Transaction, live: Live, entry: journal.Entry) -> None:
    """Write down one entry."""
    if tx.engine.targets.now:
        noting.note(tx, live, entry)
    HANDLERS[type(entry)](tx, live, entry)


def _element_row(tx: Transaction, live: Live, entry: journal.Entered | journal.Passed, key: int) -> dict[str, Any]:
    return {
        "key": key, "instance_key": live.key, "definition_key": live.definition.key, "scope_key": entry.scope,
        "element_id": entry.element.id, "type": entry.element.type, "state": ElementState.ACTIVE,
        "flow_id": entry.flow, "position": live.next_position(), "started_at": tx.now, "ended_at": None,
        "incident_key": None,
    }


def _entered(tx: Transaction, live: Live, entry: journal.Entered) -> None:
    live.tokens[entry.key] = entry.element.id
    tx.rows.insert(schema.element_instances, _element_row(tx, live, entry, entry.key))


def _passed(tx: Transaction, live: Live, entry: journal.Passed) -> None:
    row = _element_row(tx, live, entry, tx.key())
    row["state"] = ElementState.COMPLETED
    row["ended_at"] = tx.now
    tx.count("elements", live.definition.process_id, "completed")
    tx.rows.insert(schema.element_instances, row)
    if tx.spans is not None:
        tx.spans.elements.append(row["key"])
    if entry.element.type == ElementType.END_EVENT:
        _note_reason(live, entry.element.properties)


def _note_reason(live: Live, properties: Mapping[str, str]) -> None:
    written = properties.get(REASON_PROPERTY)
    if written is None:
        return
    try:
        reason = camunda8(written).evaluate(live.run.variables())
    except (ExpressionError, EvaluationError):
        # The instance has come to its end; a wrong label is no reason to undo that.
        reason = written
    if reason is not None:
        live.end_reason = str(reason)


def _end_element(tx: Transaction, key: int, state: ElementState) -> None:
    if tx.spans is not None:
        tx.spans.elements.append(key)
    row = tx.rows.unwritten(schema.element_instances, key)
    if row is not None:
        row["state"] = state
        row["ended_at"] = tx.now
    else:
        tx.rows.write(END_ELEMENT, {"b_key": key, "b_state": state, "b_ended_at": tx.now})


def _left(tx: Transaction, live: Live, entry: journal.Left) -> None:
    element_id = live.tokens.pop(entry.key, None)
    element = live.definition.process.elements.get(element_id) if element_id else None
    if element is not None and element.type == ElementType.END_EVENT:
        _note_reason(live, element.properties)
    tx.count("elements", live.definition.process_id, "completed")
    _end_element(tx, entry.key, ElementState.COMPLETED)


def _terminated(tx: Transaction, live: Live, entry: journal.Terminated) -> None:
    if entry.key not in live.closed:
        _close(tx, live, entry.key)
    live.tokens.pop(entry.key, None)
    tx.count("elements", live.definition.process_id, "terminated")
    _end_element(tx, entry.key, ElementState.TERMINATED)


def _close(tx: Transaction, live: Live, token: int) -> None:
    live.closed.add(token)
    element_id = live.tokens.get(token)
    kinds = live.definition.waits.get(element_id) if element_id else None
    for kind in live.definition.unseen_waits if kinds is None else kinds:
        CLOSERS[kind](tx, live, token)


def _wait_closed(tx: Transaction, live: Live, entry: journal.WaitClosed) -> None:
    _close(tx, live, entry.key)


def _reopen(tx: Transaction, live: Live, token: int) -> None:
    """A token waits again in the transaction that closed its earlier wait (a listener after a message, say)."""
    if token in live.closed:
        tx.rows.flush()     # or what closes the earlier wait, sent after the inserts, would close this one too
        live.closed.discard(token)


def _job_opened(tx: Transaction, live: Live, entry: journal.JobOpened) -> None:
    _reopen(tx, live, entry.key)
    live.tokens[entry.key] = entry.element.id
    if business.is_thrown(entry):
        business.thrown_as_job(tx, live, entry)
        tx.resume(live.key, Complete(entry.key, may_be_late=True))
        return
    opening.start_waiting(tx, live, entry)


def _user_task_opened(tx: Transaction, live: Live, entry: journal.UserTaskOpened) -> None:
    _reopen(tx, live, entry.key)
    live.tokens[entry.key] = entry.element.id
    user_tasks.start_waiting(tx, live, entry)


def _user_task_changed(tx: Transaction, live: Live, entry: journal.UserTaskChanged) -> None:
    user_tasks.changed(tx, entry)


def _timer_opened(tx: Transaction, live: Live, entry: journal.TimerOpened) -> None:
    _reopen(tx, live, entry.key)
    live.tokens.setdefault(entry.key, entry.element.id)
    timers.start_waiting(tx, live, entry)


def _subscription_opened(tx: Transaction, live: Live, entry: journal.SubscriptionOpened) -> None:
    _reopen(tx, live, entry.key)
    live.tokens.setdefault(entry.key, entry.element.id)
    subscriptions.start_waiting(tx, live, entry)


def _call_opened(tx: Transaction, live: Live, entry: journal.CallOpened) -> None:
    _reopen(tx, live, entry.key)
    live.tokens[entry.key] = entry.element.id
    calls.start_waiting(tx, live, entry)


def _thrown(tx: Transaction, live: Live, entry: journal.Thrown) -> None:
    business.thrown(tx, live, entry)
    if entry.kind == "SIGNAL":
        signals.deliver(tx, entry.name, entry.variables, tenant_id=live.tenant_id, thrower=live.key,
                        business_id=entry.business_id)
    else:
        messages.deliver_thrown(tx, live, entry)


def _failed(tx: Transaction, live: Live, entry: journal.Failed) -> None:
    live.tokens[entry.key] = entry.element.id
    tx.count("elements", live.definition.process_id, "failed")
    incidents.open_for(tx, live, entry)


def _null_explained(tx: Transaction, live: Live, entry: journal.NullExplained) -> None:
    tx.rows.insert(schema.explanations, {
        "key": tx.key(), "instance_key": live.key, "element_id": entry.element.id, "purpose": entry.purpose,
        "expression": entry.expression, "explained_at": tx.now,
        "reasons": [tx.engine.masking.without(reason, entry.seen) for reason in entry.reasons],
    })


def _recovered(tx: Transaction, live: Live, entry: journal.Recovered) -> None:
    incidents.close_for(tx, live, entry.key)


def _ended(tx: Transaction, live: Live, state: InstanceState) -> None:
    if live.state != InstanceState.ACTIVE:
        return
    live.state = state
    process_id, outcome = live.definition.process_id, OUTCOMES[state]
    tx.count("instances_ended", process_id, outcome)
    if tx.engine.tenants.several:
        tx.count("tenant_instances_ended", live.tenant_id, outcome)
    begun = tx.instance_rows.get(live.key)
    started_at = tx.now if begun is None else begun["instance_started_at"]
    tx.observe("instance_duration_seconds", (tx.now - started_at).total_seconds(), process_id, outcome)
    if live.revision:
        # Nobody knows an instance, let alone waits for its end, that begins and ends in one transaction.
        tx.announce(ended_topic(live.key))
    if live.message_key is not None:
        messages.start_next(tx, live)


def _completed(tx: Transaction, live: Live, entry: journal.Completed) -> None:
    reason = live.run.variable(REASON_VARIABLE)
    if live.end_reason is None and isinstance(reason, str) and REASON_CODE.match(reason):
        live.end_reason = reason
    _ended(tx, live, InstanceState.COMPLETED)
    calls.child_completed(tx, live)


def _canceled(tx: Transaction, live: Live, entry: journal.Canceled) -> None:
    _ended(tx, live, InstanceState.TERMINATED)


def _error_escaped(tx: Transaction, live: Live, entry: journal.ErrorEscaped) -> None:
    live.end_reason = entry.code
    _ended(tx, live, InstanceState.TERMINATED)
    calls.error_escaped(tx, live, entry)


def _escalation_escaped(tx: Transaction, live: Live, entry: journal.EscalationEscaped) -> None:
    calls.escalation_escaped(tx, live, entry)


HANDLERS: Mapping[type, Callable[[Transaction, Live, Any], None]] = {
    journal.Entered: _entered,
    journal.Passed: _passed,
    journal.Left: _left,
    journal.Terminated: _terminated,
    journal.JobOpened: _job_opened,
    journal.UserTaskOpened: _user_task_opened,
    journal.UserTaskChanged: _user_task_changed,
    journal.TimerOpened: _timer_opened,
    journal.SubscriptionOpened: _subscription_opened,
    journal.WaitClosed: _wait_closed,
    journal.CallOpened: _call_opened,
    journal.Thrown: _thrown,
    journal.Failed: _failed,
    journal.NullExplained: _null_explained,
    journal.Recovered: _recovered,
    journal.Completed: _completed,
    journal.Canceled: _canceled,
    journal.ErrorEscaped: _error_escaped,
    journal.EscalationEscaped: _escalation_escaped,
}

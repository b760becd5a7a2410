"""Call activities: an instance of its own, tied to the element that called it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select

from bpmn.interpreter import journal
from bpmn.model import Model
from bpmn.problems import Problem, Severity
from engine import lookups, pauses, schema, starting
from engine.actions import Cancel, Complete, Fail, ThrowError, ThrowEscalation
from engine.errors import Failure, InvalidInput, ProcessMissing, WrongState
from engine.live import Live
from engine.states import InstanceState

if TYPE_CHECKING:
    from engine.transaction import Transaction

MAX_DEPTH = 1000
"""How deep processes may call each other; a process that calls itself without end is stopped there."""

_i = schema.instances.c

CALLED = select(_i.key).where(
    _i.parent_key == bindparam("parent"), _i.parent_element_instance_key == bindparam("token"),
    _i.state == InstanceState.ACTIVE.value,
)


def missing(tx: Transaction, models: Sequence[Model], tenant_id: str) -> list[Problem]:
    """A warning for each call of a process that is neither in these files nor deployed: it may still come."""
    own = {process.id for model in models for process in model.processes}
    problems = []
    for model in models:
        for element in (element for process in model.processes for element in process.elements.values()):
            called = element.called_process
            if called is None or not called.process_id.is_static or called.process_id.text in own:
                continue
            what = {"process_id": called.process_id.text, "tenant_id": tenant_id}
            if called.binding == "deployment":
                found = "it is in none of the files"
            elif tx.connection.scalar(lookups.LATEST, what) is None:
                found = "it is not"
            else:
                continue
            problems.append(Problem(
                severity=Severity.WARNING, resource_name=model.resource_name, element_id=element.id,
                element_name=element.name, message=f"Expected the called process {called.process_id.text!r} to be "
                f"deployed, but {found}. Until then the call is an incident."))
    return problems


def start_waiting(tx: Transaction, live: Live, entry: journal.CallOpened) -> None:
    """Start the called process, or open an incident at the call activity if it cannot be started."""
    try:
        if live.depth >= MAX_DEPTH:
            raise ProcessMissing(
                f"Expected at most {MAX_DEPTH} processes that call each other, but {entry.process_id!r} would be "
                f"one more. Does it call itself without end?"
            )
        definition = lookups.called(tx, live, entry)
        pauses.check(tx, definition)
        starting.start(
            tx, definition, variables=entry.variables, business_id=entry.business_id or live.business_id,
            correlation_id=live.correlation_id, trace_parent=live.trace_parent, parent=live, parent_token=entry.key,
        )
    except (Failure, InvalidInput, WrongState) as error:
        tx.resume(live.key, Fail(entry.key, ProcessMissing.incident_type, str(error), may_be_late=True))


def stop_waiting(tx: Transaction, live: Live, token: int) -> None:
    """Cancel the instance that a call activity started."""
    for row in tx.select(CALLED, {"parent": live.key, "token": token}):
        tx.resume(row.key, Cancel())


def child_completed(tx: Transaction, live: Live) -> None:
    """Let the caller of an instance that came to its end go on with the instance's variables."""
    if live.parent_key is not None and live.parent_token is not None:
        tx.resume(live.parent_key, Complete(live.parent_token, live.run.variables(), may_be_late=True))


def error_escaped(tx: Transaction, live: Live, entry: journal.ErrorEscaped) -> None:
    """Throw an error that a called instance did not catch at the call activity."""
    if live.parent_key is not None and live.parent_token is not None:
        tx.resume(live.parent_key, ThrowError(
            live.parent_token, entry.code, entry.message, dict(entry.variables), may_be_late=True,
        ))


def escalation_escaped(tx: Transaction, live: Live, entry: journal.EscalationEscaped) -> None:
    """Throw an escalation that a called instance did not catch at the call activity."""
    if live.parent_key is not None and live.parent_token is not None:
        tx.resume(live.parent_key, ThrowEscalation(live.parent_token, entry.code, may_be_late=True))

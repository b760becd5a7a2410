"""Listeners: jobs before and after what an element does itself, or what is done to a user task.

Execution listeners: those of the start run after the input mappings, those of the end before the output mappings, one
after the other; what they return becomes local to the element. Task listeners: see `bpmn.interpreter.nodes.user_tasks`.
Sources: Camunda 8 docs "Execution listeners", "Task listeners"; Camunda 7 manual "Execution Listeners", "Task
Listeners" (there they are code; here the class or expression names a job type).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bpmn.interpreter import journal
from bpmn.interpreter.task import STARTED, Token
from bpmn.interpreter.values import DEFAULT_RETRIES, number_of, text_of
from bpmn.model import NOTHING, TASK_EVENTS

if TYPE_CHECKING:
    from bpmn.model import Listener

START, END, TAKE = "start", "end", "take"


def are_due(token: Token, event: str) -> bool:
    """Open the first listener of `event`, unless they have answered already; whether there is one to wait for.

    Raises:
        Failure: its job type cannot be evaluated.
    """
    return event not in token.internal_data.get("listened", ()) and begin(token, event)


def begin(token: Token, event: str, what: dict[str, Any] | None = None) -> bool:
    """Open the first listener of `event`; whether there is one to wait for.

    `what` is kept with the token until the last one has answered (see `pending`).

    Raises:
        Failure: its job type cannot be evaluated.
    """
    if not _listeners(token, event):
        return False
    token.internal_data["listener"] = [event, 0] if what is None else [event, 0, what]
    open_current(token)
    return True


def pending(token: Token) -> tuple[str, dict[str, Any]]:
    """The event whose listener is to answer, and what was kept with it."""
    event, _, *what = token.internal_data["listener"]
    return event, what[0] if what else {}


def open_current(token: Token) -> None:
    """Open the job of the listener that is due (again, after an incident).

    Raises:
        Failure: its job type cannot be evaluated.
    """
    event, index, *_ = token.internal_data["listener"]
    definition = _listeners(token, event)[index].job
    job_type = text_of(definition.type, token.scope, "the job type of the listener")
    retries = DEFAULT_RETRIES if definition.retries is None else number_of(
        definition.retries, token.scope, "the number of retries")
    token._set_state(STARTED)
    kind = "TASK_LISTENER" if event in TASK_EVENTS else "EXECUTION_LISTENER"
    token.workflow.top_workflow.record(journal.JobOpened(
        token.id, token.task_spec.element, job_type, retries, definition.headers, kind, event.upper(),
        changes=dict(pending(token)[1].get("changes", NOTHING))))


def go_on(token: Token) -> bool:
    """The listener that was due has answered: open the next one of its event; False if there is none.

    Raises:
        Failure: the job type of the next one cannot be evaluated.
    """
    event, index, *what = token.internal_data["listener"]
    if index + 1 < len(_listeners(token, event)):
        token.internal_data["listener"] = [event, index + 1, *what]
        open_current(token)
        return True
    stop(token)
    if event not in TASK_EVENTS:
        token.internal_data.setdefault("listened", []).append(event)
    return False


def guard_task(token: Token) -> bool:
    """Whether a listener of a user task is to answer: the task stays open, whatever becomes of the listener's job."""
    return "listener" in token.internal_data and pending(token)[0] in TASK_EVENTS


def stop(token: Token) -> None:
    """No listener of the element is to answer any more."""
    token.internal_data.pop("listener", None)


def _listeners(token: Token, event: str) -> list[Listener]:
    return [listener for listener in token.task_spec.element.listeners if listener.event == event]

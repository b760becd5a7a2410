"""Execution listeners: jobs before and after what an element does itself.

Start listeners run after the input mappings, end listeners before the output mappings, one after the other; what they
return becomes local to the element. Sources: Camunda 8 docs "Execution listeners"; Camunda 7 manual "Execution
Listeners" (there they are code; here the class or expression names a job type).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bpmn.interpreter import journal
from bpmn.interpreter.task import STARTED, Token
from bpmn.interpreter.values import DEFAULT_RETRIES, number_of, text_of

if TYPE_CHECKING:
    from bpmn.model import Listener

START, END = "start", "end"


def are_due(token: Token, event: str) -> bool:
    """Open the first listener of `event`; whether there is one to wait for.

    Raises:
        Failure: its job type cannot be evaluated.
    """
    if not _listeners(token, event) or event in token.internal_data.get("listened", ()):
        return False
    token.internal_data["listener"] = [event, 0]
    open_current(token)
    return True


def open_current(token: Token) -> None:
    """Open the job of the listener that is due (again, after an incident).

    Raises:
        Failure: its job type cannot be evaluated.
    """
    event, index = token.internal_data["listener"]
    definition = _listeners(token, event)[index].job
    job_type = text_of(definition.type, token.scope, "the job type of the listener")
    retries = DEFAULT_RETRIES if definition.retries is None else number_of(
        definition.retries, token.scope, "the number of retries")
    token._set_state(STARTED)
    token.workflow.top_workflow.record(journal.JobOpened(
        token.id, token.task_spec.element, job_type, retries, definition.headers, "EXECUTION_LISTENER", event.upper()))


def done(token: Token, variables: Mapping[str, Any] | None) -> str | None:
    """The listener that was due is done; the event if it was the last one of it, else None.

    Raises:
        Failure: the job type of the next one cannot be evaluated.
    """
    event, index = token.internal_data.pop("listener")
    if variables:
        token.task_spec.own_scope(token).assign_all(variables, local=True)
    if index + 1 < len(_listeners(token, event)):
        token.internal_data["listener"] = [event, index + 1]
        open_current(token)
        return None
    token.internal_data.setdefault("listened", []).append(event)
    return str(event)


def _listeners(token: Token, event: str) -> list[Listener]:
    return [listener for listener in token.task_spec.element.listeners if listener.event == event]

"""From what happens inside an instance to the events that go out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import RowMapping

from bpmn.interpreter import journal
from bpmn.model import ElementType
from engine.events import outbox, types
from engine.live import Live
from engine.states import JobState

if TYPE_CHECKING:
    from engine.transaction import Transaction

Data = dict[str, Any]


def note(tx: Transaction, live: Live, entry: journal.Entry) -> None:
    """Put the events of a journal entry into the outbox. To be called before the entry is recorded."""
    make = MAKERS.get(type(entry))
    for made in make(live, entry) if make else ():
        outbox.put(tx, *made, live=live)


def started(tx: Transaction, live: Live) -> None:
    """An instance began."""
    outbox.put(tx, types.INSTANCE_STARTED, {"version": live.definition.version}, live=live)


def answered(tx: Transaction, job: RowMapping, state: JobState) -> None:
    """A worker answered a job."""
    type = ANSWERS[state]
    outbox.put(tx, type, {
        "jobKey": str(job["key"]), "jobType": job["type"], "elementId": job["element_id"], "attempt": job["attempt"],
    }, instance=outbox.Instance(
        key=job["instance_key"], process_id=job["process_id"], root_key=job["instance_root_key"],
        business_id=job["instance_business_id"], correlation_id=job["instance_correlation_id"],
        trace_parent=job["instance_trace_parent"], revision=job["instance_revision"],
    ))


ANSWERS: Mapping[JobState, str] = {
    JobState.COMPLETED: types.JOB_COMPLETED, JobState.CREATED: types.JOB_RETRIED, JobState.FAILED: types.JOB_FAILED,
    JobState.ERROR_THROWN: types.JOB_ERROR,
}


def _element(live: Live, key: int) -> tuple[Data, str | None]:
    """What is known of an open token, and the type of its element."""
    element_id = live.tokens.get(key)
    element = live.definition.process.elements.get(element_id) if element_id else None
    if element is None:
        return {"elementInstanceKey": str(key)}, None
    return {**_of(element), "elementInstanceKey": str(key)}, element.type


def _of(element: Any) -> Data:
    return {"elementId": element.id, "elementType": element.type, "elementName": element.name}


def _entered(live: Live, entry: journal.Entered) -> list[tuple[str, Data]]:
    return [(types.ELEMENT_ENTERED, {**_of(entry.element), "elementInstanceKey": str(entry.key)})]


def _passed(live: Live, entry: journal.Passed) -> list[tuple[str, Data]]:
    return [(types.ELEMENT_COMPLETED, _of(entry.element))]


def _left(live: Live, entry: journal.Left) -> list[tuple[str, Data]]:
    data, type = _element(live, entry.key)
    found = [(types.ELEMENT_COMPLETED, data)]
    return [(types.TASK_COMPLETED, data), *found] if type == ElementType.USER_TASK else found


def _terminated(live: Live, entry: journal.Terminated) -> list[tuple[str, Data]]:
    data, type = _element(live, entry.key)
    found = [(types.ELEMENT_TERMINATED, data)]
    return [(types.TASK_CANCELED, data), *found] if type == ElementType.USER_TASK else found


def _job_opened(live: Live, entry: journal.JobOpened) -> list[tuple[str, Data]]:
    return [(types.JOB_CREATED, {**_of(entry.element), "elementInstanceKey": str(entry.key), "jobType": entry.type})]


def _task_opened(live: Live, entry: journal.UserTaskOpened) -> list[tuple[str, Data]]:
    return [(types.TASK_CREATED, {
        **_of(entry.element), "elementInstanceKey": str(entry.key), "assignee": entry.assignee,
        "candidateGroups": list(entry.candidate_groups), "candidateUsers": list(entry.candidate_users),
        "dueDate": entry.due_date,
    })]


def _failed(live: Live, entry: journal.Failed) -> list[tuple[str, Data]]:
    return [(types.INCIDENT_OPENED, {
        **_of(entry.element), "elementInstanceKey": str(entry.key), "incidentType": entry.type,
        "message": entry.message,
    })]


def _recovered(live: Live, entry: journal.Recovered) -> list[tuple[str, Data]]:
    return [(types.INCIDENT_RESOLVED, _element(live, entry.key)[0])]


def _thrown(live: Live, entry: journal.Thrown) -> list[tuple[str, Data]]:
    type = types.SIGNAL_THROWN if entry.kind == "SIGNAL" else types.MESSAGE_THROWN
    return [(type, {**_of(entry.element), "name": entry.name, "correlationKey": entry.correlation_key,
                    "variables": dict(entry.variables)})]


def _ended(type: str) -> Callable[[Live, Any], list[tuple[str, Data]]]:
    return lambda live, entry: [(type, {"reason": live.end_reason or getattr(entry, "code", None)})]


MAKERS: Mapping[type, Callable[[Live, Any], list[tuple[str, Data]]]] = {
    journal.Entered: _entered,
    journal.Passed: _passed,
    journal.Left: _left,
    journal.Terminated: _terminated,
    journal.JobOpened: _job_opened,
    journal.UserTaskOpened: _task_opened,
    journal.Failed: _failed,
    journal.Recovered: _recovered,
    journal.Thrown: _thrown,
    journal.Completed: _ended(types.INSTANCE_COMPLETED),
    journal.Canceled: _ended(types.INSTANCE_TERMINATED),
    journal.ErrorEscaped: _ended(types.INSTANCE_TERMINATED),
}

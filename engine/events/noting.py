"""From what happens inside an instance to the events that go out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import RowMapping

from bpmn.interpreter import journal
from bpmn.model import ElementType
from engine.events import business, outbox, types
from engine.live import Live
from engine.states import JobState

if TYPE_CHECKING:
    from engine.transaction import Transaction

Data = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Maker:
    """What makes the events of a kind of journal entry, and of which types they may be."""

    types: frozenset[str]
    make: Callable[[Live, Any], list[tuple[str, Data]]]


def note(tx: Transaction, live: Live, entry: journal.Entry) -> None:
    """Put the events of a journal entry into the outbox. To be called before the entry is recorded."""
    maker = MAKERS.get(type(entry))
    if maker is None or tx.engine.targets.wanted.isdisjoint(maker.types):
        return
    for made in maker.make(live, entry):
        outbox.put(tx, *made, live=live)


def started(tx: Transaction, live: Live) -> None:
    """An instance began."""
    outbox.put(tx, types.INSTANCE_STARTED, {"version": live.definition.version}, live=live)


def answered(tx: Transaction, job: RowMapping, state: JobState) -> None:
    """A worker answered a job."""
    type = ANSWERS[state]
    if type in tx.engine.targets.wanted:
        outbox.put(tx, type, {
            "jobKey": str(job["key"]), "jobType": job["type"], "elementId": job["element_id"],
            "attempt": job["attempt"],
        }, instance=_instance(tx.instance_rows[job["instance_key"]]))


def task_changed(tx: Transaction, task: RowMapping, changes: Mapping[str, Any], action: str) -> None:
    """A user task is somebody else's (`assignee` is among `changes`), or says something else of itself."""
    type = types.TASK_ASSIGNED if "assignee" in changes else types.TASK_CHANGED
    if type not in tx.engine.targets.wanted:
        return
    live = tx.live.get(task["instance_key"])
    data = {
        "elementId": task["element_id"], "elementType": ElementType.USER_TASK, "elementName": task["name"],
        "elementInstanceKey": str(task["element_instance_key"]), "userTaskKey": str(task["key"]), "action": action,
        "assignee": changes.get("assignee", task["assignee"]), "changed": sorted(changes),
    }
    if type == types.TASK_ASSIGNED:
        data["formerAssignee"] = task["assignee"]
    outbox.put(tx, type, data, live=live, instance=None if live else _instance(task))


def _instance(row: RowMapping) -> outbox.Instance:
    """The instance of a row that was read together with it (`engine.live.with_instance`)."""
    return outbox.Instance(
        key=row["instance_key"], process_id=row["instance_process_id"], root_key=row["instance_root_key"],
        business_id=row["instance_business_id"], correlation_id=row["instance_correlation_id"],
        trace_parent=row["instance_trace_parent"], revision=row["instance_revision"],
    )


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
    if business.is_thrown(entry):
        return []
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


def _ended(type: str) -> Maker:
    return Maker(frozenset({type}),
                 lambda live, entry: [(type, {"reason": live.end_reason or getattr(entry, "code", None)})])


MAKERS: Mapping[type, Maker] = {
    journal.Entered: Maker(frozenset({types.ELEMENT_ENTERED}), _entered),
    journal.Passed: Maker(frozenset({types.ELEMENT_COMPLETED}), _passed),
    journal.Left: Maker(frozenset({types.ELEMENT_COMPLETED, types.TASK_COMPLETED}), _left),
    journal.Terminated: Maker(frozenset({types.ELEMENT_TERMINATED, types.TASK_CANCELED}), _terminated),
    journal.JobOpened: Maker(frozenset({types.JOB_CREATED}), _job_opened),
    journal.UserTaskOpened: Maker(frozenset({types.TASK_CREATED}), _task_opened),
    journal.Failed: Maker(frozenset({types.INCIDENT_OPENED}), _failed),
    journal.Recovered: Maker(frozenset({types.INCIDENT_RESOLVED}), _recovered),
    journal.Completed: _ended(types.INSTANCE_COMPLETED),
    journal.Canceled: _ended(types.INSTANCE_TERMINATED),
    journal.ErrorEscaped: _ended(types.INSTANCE_TERMINATED),
}
"""What is thrown (`journal.Thrown`) is told by `engine.events.business`."""

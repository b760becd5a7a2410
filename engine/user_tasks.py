"""User tasks: work for people. They are assigned, claimed, given back, completed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import RowMapping, bindparam, select, update

from bpmn.interpreter import journal
from engine import audit, guard, schema, states, values
from engine.actions import AskListeners, Complete, Fail
from engine.database import from_json, to_json
from engine.errors import Conflict, InvalidInput, InvalidTimer, NotFound, WrongState
from engine.live import Live, with_instance
from engine.states import UserTaskState
from engine.timers import due_date

if TYPE_CHECKING:
    from engine.transaction import Transaction

_u = schema.user_tasks.c

BY_KEY = with_instance(schema.user_tasks)
CANCEL = (
    update(schema.user_tasks)
    .where(_u.element_instance_key == bindparam("b_token"), _u.ended_at.is_(None))
    .values(state=UserTaskState.CANCELED.value, ended_at=bindparam("b_now"))
)
END = (
    update(schema.user_tasks).where(_u.key == bindparam("b_key"))
    .values(state=bindparam("b_state"), ended_at=bindparam("b_now"))
)
DATES = frozenset({"due_at", "follow_up_at"})
CHANGEABLE = DATES | {"candidate_users", "candidate_groups", "priority"}
CORRECTABLE = CHANGEABLE | {"assignee"}
"""What a listener may correct."""
CHANGES_HEADER = "io.camunda.zeebe:userTaskChanges"
DENIABLE = frozenset({"ASSIGNING", "UPDATING", "COMPLETING"})
"""What a listener may deny (Camunda 8 docs, "Task listeners")."""
CHANGE = (
    update(schema.user_tasks).where(_u.key == bindparam("b_key"))
    .values({name: bindparam(f"b_{name}") for name in sorted(CHANGEABLE)})
)
STATE = update(schema.user_tasks).where(_u.key == bindparam("b_key")).values(state=bindparam("b_state"))
OF_TOKEN = select(schema.user_tasks).where(
    _u.element_instance_key == bindparam("token"), _u.ended_at.is_(None)
).with_for_update()
ASSIGN = update(schema.user_tasks).where(_u.key == bindparam("b_key")).values(assignee=bindparam("b_assignee"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerAnswer:
    """What a listener of a user task says: why it denies what was asked for, or how it corrects the task."""

    denied: str | None = None
    corrections: Mapping[str, Any] = field(default_factory=dict)


def start_waiting(tx: Transaction, live: Live, entry: journal.UserTaskOpened) -> None:
    """Create the task that an element waits for; a date that cannot be read is an incident."""
    try:
        due_at, follow_up_at = due_date(entry.due_date, tx), due_date(entry.follow_up_date, tx)
    except InvalidTimer as error:
        tx.resume(live.key, Fail(entry.key, error.incident_type, str(error), may_be_late=True))
        return
    tx.rows.insert(schema.user_tasks, {
        "key": tx.key(), "instance_key": live.key, "element_instance_key": entry.key,
        "definition_key": live.definition.key, "process_id": live.definition.process_id,
        "element_id": entry.element.id, "partition_key": live.partition_key, "tenant_id": live.tenant_id,
        "name": entry.element.name, "assignee": entry.assignee,
        "candidate_users": list(entry.candidate_users), "candidate_groups": list(entry.candidate_groups),
        "due_at": due_at, "follow_up_at": follow_up_at, "priority": entry.priority, "form_key": entry.form_key,
        "state": UserTaskState.CREATING if entry.creating else UserTaskState.CREATED,
        "created_at": tx.now, "ended_at": None,
    })
    tx.announce("user_tasks")


def stop_waiting(tx: Transaction, live: Live, token: int) -> None:
    """Cancel the open task of a token."""
    for row in tx.rows.all_unwritten(schema.user_tasks).values():
        if row["element_instance_key"] == token:
            row.update(state=UserTaskState.CANCELED, ended_at=tx.now)
    tx.rows.write(CANCEL, {"b_token": token, "b_now": tx.now})


def claim(tx: Transaction, key: int, assignee: str) -> None:
    """Take a task that nobody has. Raises NotFound, WrongState, InvalidInput, Conflict (somebody else has it)."""
    task = _open(tx, key)
    if task["assignee"] not in (None, assignee):
        raise Conflict(f"Expected user task {key} to be unassigned, but {task['assignee']} has it.")
    _assign(tx, task, _name(assignee), "CLAIM")


def assign(tx: Transaction, key: int, assignee: str) -> None:
    """Give a task to somebody, whoever had it before. Raises NotFound, WrongState, InvalidInput."""
    _assign(tx, _open(tx, key), _name(assignee), "ASSIGN")


def unclaim(tx: Transaction, key: int) -> None:
    """Give a task back, so that others may claim it. Raises NotFound, WrongState."""
    _assign(tx, _open(tx, key), None, "UNCLAIM")


def change(tx: Transaction, key: int, changes: Mapping[str, Any]) -> None:
    """Change what a task says of itself: any of `CHANGEABLE`; audited.

    Raises NotFound, WrongState, InvalidInput (nothing to change, or something that cannot be).
    """
    unknown = changes.keys() - CHANGEABLE
    if unknown or not changes:
        found = ", ".join(sorted(unknown)) or "nothing"
        raise InvalidInput(f"Expected to change {', '.join(sorted(CHANGEABLE))} of a task, but found {found}.")
    task = _open(tx, key)
    if not _ask(tx, task, "updating", _written(changes)):
        _change(tx, task, changes)
    audit.record(tx, "CHANGE", "USER_TASK", key, instance_key=task["instance_key"], details=dict(changes))


def complete(tx: Transaction, key: int, variables: Mapping[str, Any] | None = None) -> None:
    """Finish a task and let its process instance go on; audited.

    Raises NotFound, WrongState (finished already, instance suspended), InvalidInput.
    """
    result = values.checked(variables)
    task = _open(tx, key)
    guard.running(task)
    if not _ask(tx, task, "completing", {}, result):
        _end(tx, task)
        tx.resume(task["instance_key"], Complete(task["element_instance_key"], result))
    audit.record(tx, "COMPLETE", "USER_TASK", key, instance_key=task["instance_key"],
                 details={"variables": sorted(result)} if result else None)


def changed(tx: Transaction, entry: journal.UserTaskChanged) -> None:
    """The listeners of a task have answered: let happen what was asked for, unless they refused it."""
    found = tx.first(OF_TOKEN, {"token": entry.key})
    if found is None:
        return
    task = found._mapping
    if entry.denied is not None:
        audit.record(tx, "DENY", "USER_TASK", task["key"], instance_key=task["instance_key"], reason=entry.denied,
                     details={"event": entry.event})
        _set_state(tx, task, UserTaskState.CREATED)
        return
    changes = _read(entry.changes)
    if "assignee" in changes:
        tx.rows.write(ASSIGN, {"b_key": task["key"], "b_assignee": changes.pop("assignee") or None})
    if changes:
        _change(tx, task, changes)
    if entry.event == "completing":
        _end(tx, task)
    else:
        _set_state(tx, task, UserTaskState.CREATED)
        tx.announce("user_tasks")


def with_changes(headers: Mapping[str, str], changes: Mapping[str, Any]) -> dict[str, str]:
    """The headers of a listener's job, with what it is asked about: what the task is to be like."""
    return {**headers, CHANGES_HEADER: to_json(changes)} if changes else dict(headers)


def changes_asked(headers: Mapping[str, str]) -> tuple[dict[str, str], dict[str, Any]]:
    """The headers of a listener's job as the diagram has them, and what the listener is asked about."""
    rest = {name: value for name, value in headers.items() if name != CHANGES_HEADER}
    return rest, _read(from_json(headers[CHANGES_HEADER])) if CHANGES_HEADER in headers else {}


def listener_answered(job: RowMapping, answer: ListenerAnswer) -> tuple[str | None, dict[str, Any]]:
    """The denial and the corrections of a listener, as they are kept until the last one has answered.

    Raises InvalidInput: the job is none of a listener of a user task, the event cannot be denied, or what is corrected
    is nothing that can be.
    """
    if job["kind"] != "TASK_LISTENER":
        raise InvalidInput(f"Expected job {job['key']} to be one of a task listener, but it is none.")
    event = job["listener_event"]
    if answer.denied is not None and event not in DENIABLE:
        raise InvalidInput(f"Expected to deny one of {', '.join(sorted(DENIABLE))}, but the event is {event}.")
    unknown = answer.corrections.keys() - CORRECTABLE
    if unknown:
        raise InvalidInput(f"Expected to correct {', '.join(sorted(CORRECTABLE))} of a task, "
                           f"but found {', '.join(sorted(unknown))}.")
    return answer.denied, _written(answer.corrections)


def _ask(tx: Transaction, task: RowMapping, event: str, changes: dict[str, Any],
         variables: Mapping[str, Any] | None = None) -> bool:
    """Ask the listeners of a task whether something may happen to it; False if it has none for that."""
    element = tx.definition(task["definition_key"]).process.elements[task["element_id"]]
    if not any(listener.event == event for listener in element.listeners):
        return False
    guard.running(task)
    _set_state(tx, task, UserTaskState(event.upper()))
    tx.resume(task["instance_key"], AskListeners(
        token=task["element_instance_key"], event=event, changes=changes, variables=dict(variables or {})))
    return True


def _set_state(tx: Transaction, task: RowMapping, state: UserTaskState) -> None:
    tx.rows.write(STATE, {
        "b_key": task["key"],
        "b_state": states.move("user task", task["key"], UserTaskState(task["state"]), state),
    })


def _end(tx: Transaction, task: RowMapping) -> None:
    state = states.move("user task", task["key"], UserTaskState(task["state"]), UserTaskState.COMPLETED)
    tx.rows.write(END, {"b_key": task["key"], "b_state": state, "b_now": tx.now})


def _change(tx: Transaction, task: RowMapping, changes: Mapping[str, Any]) -> None:
    values_ = {**{name: task[name] for name in CHANGEABLE}, **changes}
    tx.rows.write(CHANGE, {"b_key": task["key"], **{f"b_{name}": value for name, value in values_.items()}})


def _written(changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in changes.items()}


def _read(changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: datetime.fromisoformat(value) if name in DATES and value else value
            for name, value in changes.items()}


def _open(tx: Transaction, key: int) -> RowMapping:
    found = tx.first(BY_KEY, {"key": key})
    if found is None:
        raise NotFound(f"Expected to find a user task with key {key}, but there is none.")
    task = found._mapping
    if task["state"] != UserTaskState.CREATED:
        raise WrongState(f"Expected user task {key} to be open, but it is {task['state'].lower()}.")
    tx.instance_rows[task["instance_key"]] = task
    return task


def _assign(tx: Transaction, task: RowMapping, assignee: str | None, operation: str) -> None:
    if not _ask(tx, task, "assigning", {"assignee": assignee}):
        tx.rows.write(ASSIGN, {"b_key": task["key"], "b_assignee": assignee})
    audit.record(tx, operation, "USER_TASK", task["key"], instance_key=task["instance_key"],
                 details={"assignee": assignee} if assignee else None)


def _name(assignee: str) -> str:
    if not assignee.strip():
        raise InvalidInput("Expected the name of somebody, but it is empty.")
    return assignee

"""User tasks: work for people. They are assigned, claimed, given back, completed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import RowMapping, bindparam, update

from bpmn.interpreter import journal
from engine import audit, guard, schema, states, values
from engine.actions import Complete, Fail
from engine.errors import Conflict, InvalidInput, InvalidTimer, NotFound
from engine.live import Live, with_instance
from engine.states import UserTaskState
from engine.timers import due_date

if TYPE_CHECKING:
    from engine.transaction import Transaction

_u = schema.user_tasks.c

BY_KEY = with_instance(schema.user_tasks)
CANCEL = (
    update(schema.user_tasks)
    .where(_u.element_instance_key == bindparam("b_token"), _u.state == UserTaskState.CREATED.value)
    .values(state=UserTaskState.CANCELED.value, ended_at=bindparam("b_now"))
)
END = (
    update(schema.user_tasks).where(_u.key == bindparam("b_key"))
    .values(state=bindparam("b_state"), ended_at=bindparam("b_now"))
)
CHANGEABLE = frozenset({"due_at", "follow_up_at", "candidate_users", "candidate_groups", "priority"})
CHANGE = (
    update(schema.user_tasks).where(_u.key == bindparam("b_key"))
    .values({name: bindparam(f"b_{name}") for name in sorted(CHANGEABLE)})
)
ASSIGN = update(schema.user_tasks).where(_u.key == bindparam("b_key")).values(assignee=bindparam("b_assignee"))


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
        "name": entry.element.name, "state": UserTaskState.CREATED, "assignee": entry.assignee,
        "candidate_users": list(entry.candidate_users), "candidate_groups": list(entry.candidate_groups),
        "due_at": due_at, "follow_up_at": follow_up_at, "priority": entry.priority, "form_key": entry.form_key,
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
    changed = {**{name: task[name] for name in CHANGEABLE}, **changes}
    tx.rows.write(CHANGE, {"b_key": key, **{f"b_{name}": value for name, value in changed.items()}})
    audit.record(tx, "CHANGE", "USER_TASK", key, instance_key=task["instance_key"], details=dict(changes))


def complete(tx: Transaction, key: int, variables: Mapping[str, Any] | None = None) -> None:
    """Finish a task and let its process instance go on; audited.

    Raises NotFound, WrongState (finished already, instance suspended), InvalidInput.
    """
    result = values.checked(variables)
    task = _open(tx, key)
    guard.running(task)
    state = states.move("user task", key, UserTaskState(task["state"]), UserTaskState.COMPLETED)
    tx.rows.write(END, {"b_key": key, "b_state": state, "b_now": tx.now})
    audit.record(tx, "COMPLETE", "USER_TASK", key, instance_key=task["instance_key"],
                 details={"variables": sorted(result)} if result else None)
    tx.resume(task["instance_key"], Complete(task["element_instance_key"], result))


def _open(tx: Transaction, key: int) -> RowMapping:
    found = tx.first(BY_KEY, {"key": key})
    if found is None:
        raise NotFound(f"Expected to find a user task with key {key}, but there is none.")
    task = found._mapping
    states.move("user task", key, UserTaskState(task["state"]), UserTaskState.CREATED)
    tx.instance_rows[task["instance_key"]] = task
    return task


def _assign(tx: Transaction, task: RowMapping, assignee: str | None, operation: str) -> None:
    tx.rows.write(ASSIGN, {"b_key": task["key"], "b_assignee": assignee})
    audit.record(tx, operation, "USER_TASK", task["key"], instance_key=task["instance_key"],
                 details={"assignee": assignee} if assignee else None)


def _name(assignee: str) -> str:
    if not assignee.strip():
        raise InvalidInput("Expected the name of somebody, but it is empty.")
    return assignee

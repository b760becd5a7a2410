"""User tasks: work for people. They are assigned, claimed, given back, delegated, completed.

A delegated task is done when whoever it was delegated to resolves it and its owner completes it (Camunda 7 manual,
"User Task", delegation). A job-based task (Camunda 8, without `zeebe:userTask`) may also be completed as the job that
it has beside it; whichever is done first ends both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import RowMapping, bindparam, select, update

from bpmn.interpreter import journal
from bpmn.model import USER_TASK_JOB
from engine import audit, forms, guard, schema, states, values
from engine.actions import AskListeners, Complete, Fail, SetVariables
from engine.columns import from_json, to_json
from engine.errors import Conflict, InvalidInput, InvalidTimer, NotFound, WrongState
from engine.events import noting
from engine.live import Live, with_instance
from engine.states import DelegationState, EffectState, JobState, UserTaskState
from engine.tasks import candidates
from engine.timers import due_date

if TYPE_CHECKING:
    from engine.transaction import Transaction

_u, _j = schema.user_tasks.c, schema.jobs.c

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
END_OF_TOKEN = (
    update(schema.user_tasks).where(_u.element_instance_key == bindparam("b_token"), _u.ended_at.is_(None))
    .values(state=UserTaskState.COMPLETED.value, ended_at=bindparam("b_now"))
)
END_JOB = (
    update(schema.jobs)
    .where(_j.element_instance_key == bindparam("b_token"), _j.type == USER_TASK_JOB, _j.ended_at.is_(None))
    .values(state=JobState.COMPLETED.value, changed_at=bindparam("b_now"), ended_at=bindparam("b_now"),
            locked_by=None, locked_until=None, effect=EffectState.CONFIRMED.value, settled_at=bindparam("b_now"))
)
DATES = frozenset({"due_at", "follow_up_at"})
CHANGEABLE = DATES | {"candidate_users", "candidate_groups", "priority", "name", "description", "owner"}
CORRECTABLE = DATES | {"candidate_users", "candidate_groups", "priority", "assignee"}
"""What a listener may correct."""
MUTABLE = CHANGEABLE | {"assignee", "delegation"}
CHANGES_HEADER = "io.camunda.zeebe:userTaskChanges"
ACTIONS = {"assigning": "assign", "updating": "update", "completing": "complete"}
"""What events say was done, by what the listeners were asked about."""
DENIABLE = frozenset({"ASSIGNING", "UPDATING", "COMPLETING"})
"""What a listener may deny (Camunda 8 docs, "Task listeners")."""
CHANGE = (
    update(schema.user_tasks).where(_u.key == bindparam("b_key"))
    .values({name: bindparam(f"b_{name}") for name in sorted(MUTABLE)} | {"changed_at": bindparam("b_now")})
)
STATE = update(schema.user_tasks).where(_u.key == bindparam("b_key")).values(state=bindparam("b_state"))
OF_TOKEN = select(schema.user_tasks).where(
    _u.element_instance_key == bindparam("token"), _u.ended_at.is_(None)
).with_for_update()


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerAnswer:
    """What a listener of a user task says: why it denies what was asked for, or how it corrects the task."""

    denied: str | None = None
    corrections: Mapping[str, Any] = field(default_factory=dict)


def start_waiting(tx: Transaction, live: Live, entry: journal.UserTaskOpened) -> None:
    """Create the task that an element waits for; a date that cannot be read is an incident."""
    if entry.key in tx.reopened_jobs and tx.first(OF_TOKEN, {"token": entry.key}) is not None:
        return
    try:
        due_at, follow_up_at = due_date(entry.due_date, tx), due_date(entry.follow_up_date, tx)
    except InvalidTimer as error:
        tx.resume(live.key, Fail(entry.key, error.incident_type, str(error), may_be_late=True))
        return
    key = tx.key()
    candidates.insert(tx, key, entry.candidate_users, entry.candidate_groups)
    tx.rows.insert(schema.user_tasks, {
        "key": key, "instance_key": live.key, "element_instance_key": entry.key,
        "definition_key": live.definition.key, "process_id": live.definition.process_id,
        "element_id": entry.element.id, "partition_key": live.partition_key, "tenant_id": live.tenant_id,
        "name": entry.element.name, "description": None, "assignee": entry.assignee, "owner": None,
        "delegation": None,
        "candidate_users": list(entry.candidate_users), "candidate_groups": list(entry.candidate_groups),
        "due_at": due_at, "follow_up_at": follow_up_at, "priority": entry.priority, "form_key": entry.form_key,
        "bound_form": forms.of_task(tx, live, entry),
        "state": UserTaskState.CREATING if entry.creating else UserTaskState.CREATED,
        "created_at": tx.now, "changed_at": None, "ended_at": None,
    })
    tx.announce("user_tasks")


def stop_waiting(tx: Transaction, live: Live, token: int) -> None:
    """Cancel the open task of a token, unless it was just completed, or only its job has failed."""
    if token in tx.done_tokens or token in tx.kept_tokens:
        return
    # One that begins in this transaction, too: what is inserted is written before what is changed.
    tx.rows.write(CANCEL, {"b_token": token, "b_now": tx.now})
    element = live.definition.process.elements.get(live.tokens.get(token, ""))
    task = element.user_task if element else None
    if task and (task.candidate_users or task.candidate_groups):
        candidates.remove_of_token(tx, token)


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


def delegate(tx: Transaction, key: int, assignee: str) -> None:
    """Let somebody else work on a task for its owner: whoever has it now, unless it has an owner. Audited.

    Source: Camunda 7 REST reference, "Delegate Task". Raises NotFound, WrongState, InvalidInput.
    """
    task = _open(tx, key)
    changes = {"assignee": _name(assignee), "owner": task["owner"] or task["assignee"],
               "delegation": DelegationState.PENDING.value}
    _perform(tx, task, "assigning", changes, "delegate")
    audit.record(tx, "DELEGATE", "USER_TASK", key, instance_key=task["instance_key"],
                 before=_said(task, changes), after=changes)


def resolve(tx: Transaction, key: int, variables: Mapping[str, Any] | None = None) -> None:
    """Give a delegated task back to its owner, with results that become variables of the instance. Audited.

    Source: Camunda 7 REST reference, "Resolve Task". Raises NotFound, WrongState (nobody delegated it), InvalidInput.
    """
    result = values.checked(variables)
    task = _open(tx, key)
    if task["delegation"] != DelegationState.PENDING:
        raise WrongState(f"Expected user task {key} to be delegated, but it is not.")
    guard.running(task)
    if result:
        tx.resume(task["instance_key"], SetVariables(task["element_instance_key"], result))
    changes = {"assignee": task["owner"], "delegation": DelegationState.RESOLVED.value}
    _perform(tx, task, "assigning", changes, "resolve")
    audit.record(tx, "RESOLVE", "USER_TASK", key, instance_key=task["instance_key"],
                 details={"variables": sorted(result)}, before=_said(task, changes), after=changes)


def change(tx: Transaction, key: int, changes: Mapping[str, Any]) -> None:
    """Change what a task says of itself: any of `CHANGEABLE`, and its `assignee`; audited.

    Raises NotFound, WrongState, InvalidInput (nothing to change, or something that cannot be).
    """
    possible = CHANGEABLE | {"assignee"}
    unknown = changes.keys() - possible
    if unknown or not changes:
        found = ", ".join(sorted(unknown)) or "nothing"
        raise InvalidInput(f"Expected to change {', '.join(sorted(possible))} of a task, but found {found}.")
    task = _open(tx, key)
    others = changes.get("assignee", task["assignee"]) == task["assignee"]
    _perform(tx, task, "updating" if others else "assigning", changes, "update" if others else "assign")
    audit.record(tx, "CHANGE", "USER_TASK", key, instance_key=task["instance_key"], before=_said(task, changes),
                 after=_written(changes))


def complete(tx: Transaction, key: int, variables: Mapping[str, Any] | None = None) -> None:
    """Finish a task and let its process instance go on; audited.

    Raises NotFound, WrongState (finished already, delegated and not resolved, instance suspended), InvalidInput.
    """
    result = values.checked(variables)
    task = _open(tx, key)
    guard.running(task)
    if task["delegation"] == DelegationState.PENDING:
        raise WrongState(f"Expected user task {key} to be resolved by {task['assignee']} before it is completed, "
                         "but it is still delegated.")
    if not _ask(tx, task, "completing", {}, result):
        _end(tx, task)
        tx.resume(task["instance_key"], Complete(task["element_instance_key"], result))
    audit.record(tx, "COMPLETE", "USER_TASK", key, instance_key=task["instance_key"],
                 details={"variables": sorted(result)} if result else None,
                 before={"state": UserTaskState.CREATED}, after={"state": UserTaskState.COMPLETED})


def done_by_worker(tx: Transaction, job: RowMapping) -> None:
    """The job of a job-based task was completed: so is the task."""
    token = job["element_instance_key"]
    tx.done_tokens.add(token)
    tx.rows.write(END_OF_TOKEN, {"b_token": token, "b_now": tx.now})
    candidates.remove_of_token(tx, token)


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
        changes["assignee"] = changes["assignee"] or None
    if changes:
        _change(tx, task, changes, ACTIONS.get(entry.event, entry.event))
    if entry.event == "completing":
        _end(tx, task)
    else:
        _set_state(tx, task, UserTaskState.CREATED)
        tx.announce("user_tasks")


def with_changes(headers: Mapping[str, str], changes: Mapping[str, Any]) -> dict[str, str]:
    """The headers of a listener's job, with what it is asked about: what the task is to be like."""
    return {**headers, CHANGES_HEADER: to_json(changes)}


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


def _perform(tx: Transaction, task: RowMapping, event: str, changes: Mapping[str, Any], action: str) -> None:
    """Change a task, once its listeners have agreed."""
    if not _ask(tx, task, event, _written(changes)):
        _change(tx, task, changes, action)
        tx.announce("user_tasks")


def _set_state(tx: Transaction, task: RowMapping, state: UserTaskState) -> None:
    tx.rows.write(STATE, {
        "b_key": task["key"],
        "b_state": states.move("user task", task["key"], UserTaskState(task["state"]), state),
    })


def _end(tx: Transaction, task: RowMapping) -> None:
    state = states.move("user task", task["key"], UserTaskState(task["state"]), UserTaskState.COMPLETED)
    tx.done_tokens.add(task["element_instance_key"])
    tx.rows.write(END, {"b_key": task["key"], "b_state": state, "b_now": tx.now})
    if task["candidate_users"] or task["candidate_groups"]:
        candidates.remove(tx, task["key"])
    definition = tx.definition(task["definition_key"]).process.elements[task["element_id"]].user_task
    if definition and definition.job_based:
        tx.rows.write(END_JOB, {"b_token": task["element_instance_key"], "b_now": tx.now})


def _change(tx: Transaction, task: RowMapping, changes: Mapping[str, Any], action: str) -> None:
    if tx.engine.targets.now:
        noting.task_changed(tx, task, changes, action)
    values_ = {**{name: task[name] for name in MUTABLE}, **changes}
    for name in ("candidate_users", "candidate_groups"):
        values_[name] = list(dict.fromkeys(values_[name] or ()))
    tx.rows.write(CHANGE, {"b_key": task["key"], "b_now": tx.now,
                           **{f"b_{name}": value for name, value in values_.items()}})
    if changes.keys() & {"candidate_users", "candidate_groups"}:
        candidates.replace(tx, task["key"], values_["candidate_users"], values_["candidate_groups"])


def _written(changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in changes.items()}


def _said(task: RowMapping, changes: Mapping[str, Any]) -> dict[str, Any]:
    """What a task said of itself before it was changed."""
    return _written({name: task[name] for name in changes})


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
    _perform(tx, task, "assigning", {"assignee": assignee}, operation.lower())
    audit.record(tx, operation, "USER_TASK", task["key"], instance_key=task["instance_key"],
                 before={"assignee": task["assignee"]}, after={"assignee": assignee})


def _name(assignee: str) -> str:
    if not assignee.strip():
        raise InvalidInput("Expected the name of somebody, but it is empty.")
    return values.name(assignee, "the name of somebody") or assignee

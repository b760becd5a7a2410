"""Says in words where an instance stands: what every failed assertion shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engine.engine import Engine
from engine.queries import instance
from engine.queries.instance import InstanceDetail
from engine.queries.things import JobRow
from engine.states import JobState, UserTaskState
from engine.testing import facts
from engine.testing.stubs import Stubs

LONGEST_PATH = 30
LONGEST_VALUE = 200
_OPEN_TASKS = (UserTaskState.COMPLETED, UserTaskState.CANCELED)


def describe(engine: Engine, stubs: Stubs, key: int) -> str:
    """Where an instance is, what it waits for, its incidents, its path and its variables, a line each."""
    detail = instance.detail(engine, key)
    visits = facts.history(engine, key)
    lines = [f"Process instance {key} of {detail.row.process_id!r} (version {detail.row.version}) {_state(detail)}."]
    for visit in facts.waiting(visits):
        waits = "; ".join(_waits(detail, visit.key, stubs)) or "waits"
        lines.append(f"  at {visit.element_id}: {waits}")
    lines += [f"  watches: {watch}" for watch in _watches(detail)]
    lines += [f"  incident at {row.element_id} ({row.type}): {row.message}"
              for row in detail.incidents if row.state == "ACTIVE"]
    path = [visit.element_id for visit in visits]
    if len(path) > LONGEST_PATH:
        path = ["…", *path[-LONGEST_PATH:]]
    lines.append(f"  path: {' → '.join(path) or 'nothing yet'}")
    shown = ", ".join(f"{name}={_short(value)}" for name, value in facts.variables(engine, key).items())
    lines.append(f"  variables: {shown or 'none'}")
    lines.append(f"  time: {engine.clock().isoformat()}")
    idle = [repr(stub.name) for stub in (*stubs.services.values(), *stubs.tasks.values())
            if stub.is_ready and not stub.calls]
    lines += [f"  told an answer, but never called: {', '.join(idle)}"] if idle else []
    return "\n".join(lines)


def _state(detail: InstanceDetail) -> str:
    row = detail.row
    if row.state == "ACTIVE":
        return "is suspended" if row.suspended_at else "is active"
    word = "has completed" if row.state == "COMPLETED" else "was terminated"
    return f"{word} with the reason {row.end_reason}" if row.end_reason else word


def _waits(detail: InstanceDetail, token: int, stubs: Stubs) -> Iterator[str]:
    for job in detail.jobs:
        if job.element_instance_key == token and job.ended_at is None:
            yield _job(job, stubs)
    for task in detail.user_tasks:
        if task.element_instance_key == token and task.state not in _OPEN_TASKS:
            whom = task.assignee or ", ".join((*task.candidate_users, *task.candidate_groups)) or "anybody"
            yield f"waits for a person to do the user task (for {whom})"
    for timer in detail.timers:
        if timer.element_instance_key == token and not timer.attached:
            yield f"waits for a timer, due {timer.due_at.isoformat()}"
    for open in detail.subscriptions:
        if open.element_instance_key == token and not open.attached:
            key = f" with the correlation key {open.correlation_key!r}" if open.correlation_key is not None else ""
            yield f"waits for {open.kind.lower()} {open.name!r}{key}"
    for called in detail.called:
        if called.parent_element_instance_key == token and called.state == "ACTIVE":
            yield f"waits for the process {called.process_id!r} that it called (instance {called.key})"


def _job(job: JobRow, stubs: Stubs) -> str:
    kind = f"{job.listener_event} listener" if job.listener_event else "service"
    if job.state == JobState.FAILED:
        return f"{kind} {job.type!r} has failed, with no attempt left"
    if job.state == JobState.ACTIVATED:
        return f"{kind} {job.type!r} is at work and has not answered yet"
    last = f" (the last attempt failed: {job.error_message})" if job.error_message else ""
    if stubs.for_job(job.type) is None:
        return f"waits for {kind} {job.type!r}{last}, which has no answer: tell service({job.type!r}) one"
    return f"waits for {kind} {job.type!r}{last}, which is to be called at {job.due_at.isoformat()}"


def _watches(detail: InstanceDetail) -> Iterator[str]:
    for timer in detail.timers:
        if timer.attached:
            yield f"timer {timer.element_id}, due {timer.due_at.isoformat()}"
    for open in detail.subscriptions:
        if open.attached:
            yield f"{open.kind.lower()} {open.name!r} at {open.element_id}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"

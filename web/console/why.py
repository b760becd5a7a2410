"""Why a token is where it is: the way it took, what can move it, and who may.

Conditions are told with the values that their variables have now; what they were when the flow was taken is not kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bpmn.expressions import Expression
from bpmn.model import Process
from engine.durations import Learned
from engine.queries.instance import InstanceDetail
from engine.queries.things import ElementRow, JobRow, UserTaskRow
from engine.states import ElementState, IncidentState, InstanceState, JobState, UserTaskState
from web.console.formatting import short

MOST = 50
"""Tokens that are told of; an instance with a thousand would bury the page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What can move a token, and who may do that; `moment` is when it happens by itself."""

    what: str
    who: str
    moment: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """One token. `condition` is that of the flow it took, `values` the variables in it as they are now."""

    element_id: str
    name: str
    type: str
    state: str
    since: datetime
    came_from: str
    condition: str
    values: tuple[tuple[str, str], ...]
    moves: tuple[Move, ...]
    usual: tuple[timedelta, timedelta] | None


def tokens(detail: InstanceDetail, process: Process, known: dict[str, Learned]) -> list[Whereabouts]:
    """The tokens of an instance that are the innermost, in the order in which they came there."""
    active = [row for row in detail.elements if row.state == ElementState.ACTIVE]
    scopes = {row.scope_key for row in active}
    return [_token(row, detail, process, known.get(row.element_id)) for row in active if row.key not in scopes][:MOST]


def _token(row: ElementRow, detail: InstanceDetail, process: Process, learned: Learned | None) -> Whereabouts:
    element = process.elements.get(row.element_id)
    flow = process.flows.get(row.flow_id or "")
    source = process.elements.get(flow.source) if flow else None
    condition = flow.condition if flow else None
    came_from = ""
    if flow is not None:
        label = f" by “{flow.name}”" if flow.name else ""
        is_default = source is not None and source.default_flow == flow.id
        came_from = f"“{(source and source.name) or flow.source}”{label}" + (", the default flow" if is_default else "")
    return Whereabouts(
        element_id=row.element_id, name=(element and element.name) or row.element_id, type=row.type,
        state="incident" if row.incident_key else "active", since=row.started_at, came_from=came_from,
        condition=condition.text if condition is not None else "",
        values=tuple(_values(condition, detail)), moves=tuple(_moves(row, detail)),
        usual=(learned.median, learned.p95) if learned is not None and learned.samples else None,
    )


def _values(condition: Expression | None, detail: InstanceDetail) -> Iterator[tuple[str, str]]:
    if condition is None:
        return
    top = {row.name: row.value for row in detail.variables if row.scope_key == detail.row.key}
    for name in sorted(condition.names):
        yield name, short(top[name], 200) if name in top else "is not set"


def _moves(row: ElementRow, detail: InstanceDetail) -> list[Move]:
    if detail.row.state != InstanceState.ACTIVE:
        return []
    found = [move for moves in (_incidents(row, detail), _jobs(row, detail.jobs), _tasks(row, detail.user_tasks),
                                _events(row, detail), _called(row, detail)) for move in moves]
    if detail.row.suspended_at is not None:
        found.insert(0, Move(what="Nothing, until the instance is resumed", who="an operator"))
    return found or [Move(what="The engine itself, or what is inside it", who="nobody has to")]


def _incidents(row: ElementRow, detail: InstanceDetail) -> Iterator[Move]:
    for incident in detail.incidents:
        if incident.element_instance_key == row.key and incident.state == IncidentState.ACTIVE:
            yield Move(what="A retry, once the cause is mended, or the end of the instance", who="an operator")


def _jobs(row: ElementRow, jobs: Sequence[JobRow]) -> Iterator[Move]:
    for job in jobs:
        if job.element_instance_key != row.key:
            continue
        if job.state == JobState.ACTIVATED:
            who = f"worker {job.locked_by}; another one when its lock ends"
            yield Move(what=f"The answer of “{job.type}”", who=who, moment=job.locked_until)
        elif job.state == JobState.CREATED and job.error_message:
            yield Move(what=f"The next attempt of “{job.type}”, {job.retries} left", who="any worker for it",
                       moment=job.due_at)
        elif job.state == JobState.CREATED:
            yield Move(what=f"A call of “{job.type}”", who="any worker for it")


def _tasks(row: ElementRow, tasks: Sequence[UserTaskRow]) -> Iterator[Move]:
    for task in tasks:
        if task.element_instance_key != row.key or task.state != UserTaskState.CREATED:
            continue
        if task.assignee:
            who = task.assignee
        elif task.candidate_users or task.candidate_groups:
            people = [*task.candidate_users, *(f"group {group}" for group in task.candidate_groups)]
            who = f"{', '.join(people)}, once claimed"
        else:
            who = "anybody who claims it"
        yield Move(what="Completing the task", who=who)


def _events(row: ElementRow, detail: InstanceDetail) -> Iterator[Move]:
    for subscription in detail.subscriptions:
        if subscription.element_instance_key != row.key:
            continue
        kind = {"MESSAGE": "The message", "SIGNAL": "The signal"}.get(subscription.kind, "The condition")
        key = f" with key {subscription.correlation_key}" if subscription.correlation_key is not None else ""
        who = "a change of variables" if subscription.kind == "CONDITION" else "whoever sends it"
        yield Move(what=f"{kind} “{short(subscription.name)}”{key}", who=who)
    for timer in detail.timers:
        if timer.element_instance_key == row.key:
            yield Move(what="A time", who="the engine, by itself", moment=timer.due_at)


def _called(row: ElementRow, detail: InstanceDetail) -> Iterator[Move]:
    for child in detail.called:
        if child.parent_element_instance_key == row.key and child.state == InstanceState.ACTIVE:
            yield Move(what=f"The end of the called instance {child.key}", who="whoever may move that one")

"""Why a token is where it is: the way it took, what can move it, and who may.

Conditions are told with the values that their variables had at the end of the transaction in which the flow was taken.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext as _

from bpmn.expressions import Expression
from bpmn.model import Element, Process
from engine.durations import Learned
from engine.queries.instance import InstanceDetail
from engine.queries.past import HistoryRow
from engine.queries.things import ElementRow, JobRow, UserTaskRow
from engine.states import ElementState, IncidentState, InstanceState, JobState, UserTaskState
from web.console.formatting import short

MOST = 50
"""Tokens that are told of; an instance with a thousand would bury the page."""

Values = Mapping[str, Any]
ValuesOf = Callable[[int, Collection[str]], Values]
"""The variables of these names at the top of the instance, after its transaction of that number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What can move a token, and who may do that; `moment` is when it happens by itself."""

    what: str
    who: str
    moment: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One variable of a condition: what it held when the flow was taken, and what it holds now if that is another."""

    name: str
    then: str
    now: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """One token. `condition` is that of the flow it took, `values` the variables in it."""

    key: int
    element_id: str
    name: str
    type: str
    state: str
    since: datetime
    came_from: str
    condition: str
    values: tuple[Value, ...]
    moves: tuple[Move, ...]
    usual: tuple[timedelta, timedelta] | None


def tokens(rows: Sequence[HistoryRow], detail: InstanceDetail, process: Process, known: Mapping[str, Learned],
           values_of: ValuesOf, *, moves: bool = True) -> list[Whereabouts]:
    """The innermost of some tokens, in the order in which they came there.

    Arguments: the tokens; what they wait for; what is known of the elements; the variables of a transaction; whether
    to tell what can move them (of a past moment nobody knows).
    """
    active = [row for row in rows if row.state == ElementState.ACTIVE]
    scopes = {row.scope_key for row in active}
    now = {row.name: row.value for row in detail.variables if row.scope_key == detail.row.key}
    return [
        _token(row, detail, process, known.get(row.element_id), _values(_condition(row, process), row, values_of, now),
               moves)
        for row in active if row.key not in scopes
    ][:MOST]


def _condition(row: HistoryRow, process: Process) -> Expression | None:
    flow = process.flows.get(row.flow_id or "")
    return flow.condition if flow else None


def _token(row: HistoryRow, detail: InstanceDetail, process: Process, learned: Learned | None,
           values: tuple[Value, ...], moves: bool) -> Whereabouts:
    element = process.elements.get(row.element_id)
    condition = _condition(row, process)
    return Whereabouts(
        key=row.key, element_id=row.element_id, name=(element and element.name) or row.element_id, type=row.type,
        state="incident" if row.incident_key else "active", since=row.started_at, came_from=_came_from(row, process),
        condition=condition.text if condition is not None else "", values=values,
        moves=tuple(_moves(row, detail, process)) if moves else (),
        usual=(learned.median, learned.p95) if learned is not None and learned.samples else None,
    )


def _came_from(row: ElementRow, process: Process) -> str:
    flow = process.flows.get(row.flow_id or "")
    if flow is None:
        return ""
    source = process.elements.get(flow.source)
    name = (source and source.name) or flow.source
    is_default = source is not None and source.default_flow == flow.id
    if flow.name and is_default:
        return _("“%(element)s” by “%(flow)s”, the default flow", element=name, flow=flow.name)
    if flow.name:
        return _("“%(element)s” by “%(flow)s”", element=name, flow=flow.name)
    return _("“%(element)s”, the default flow", element=name) if is_default else f"“{name}”"


def _values(condition: Expression | None, row: HistoryRow, values_of: ValuesOf, now: Values) -> tuple[Value, ...]:
    if condition is None:
        return ()
    then = values_of(row.revision, condition.names)
    return tuple(
        Value(name=name, then=_shown(then, name),
              now=_shown(now, name) if _shown(now, name) != _shown(then, name) else None)
        for name in sorted(condition.names)
    )


def _shown(values: Values, name: str) -> str:
    return short(values[name], 200) if name in values else _("is not set")


def _moves(row: ElementRow, detail: InstanceDetail, process: Process) -> list[Move]:
    if detail.row.state != InstanceState.ACTIVE:
        return []
    found = [move for moves in (_incidents(row, detail), _jobs(row, detail.jobs), _tasks(row, detail.user_tasks),
                                _events(row, detail, process), _called(row, detail)) for move in moves]
    if detail.row.suspended_at is not None:
        found.insert(0, Move(what=_("Nothing, until the instance is resumed"), who=_("an operator")))
    return found or [Move(what=_("The engine itself, or what is inside it"), who=_("nobody has to"))]


def _incidents(row: ElementRow, detail: InstanceDetail) -> Iterator[Move]:
    for incident in detail.incidents:
        if incident.element_instance_key == row.key and incident.state == IncidentState.ACTIVE:
            yield Move(what=_("A retry, once the cause is mended, or the end of the instance"), who=_("an operator"))


def _jobs(row: ElementRow, jobs: Sequence[JobRow]) -> Iterator[Move]:
    for job in jobs:
        if job.element_instance_key != row.key:
            continue
        if job.state == JobState.ACTIVATED:
            yield Move(what=_("The answer of “%(service)s”", service=job.type), moment=job.locked_until,
                       who=_("worker %(worker)s; another one when its lock ends", worker=job.locked_by))
        elif job.state == JobState.CREATED and job.error_message:
            yield Move(what=_("The next attempt of “%(service)s”, %(count)s left", service=job.type, count=job.retries),
                       who=_("any worker for it"), moment=job.due_at)
        elif job.state == JobState.CREATED:
            yield Move(what=_("A call of “%(service)s”", service=job.type), who=_("any worker for it"))


def _tasks(row: ElementRow, tasks: Sequence[UserTaskRow]) -> Iterator[Move]:
    for task in tasks:
        if task.element_instance_key != row.key or task.state != UserTaskState.CREATED:
            continue
        if task.assignee:
            who = task.assignee
        elif task.candidate_users or task.candidate_groups:
            people = [*task.candidate_users, *(_("group %(name)s", name=group) for group in task.candidate_groups)]
            who = _("%(people)s, once claimed", people=", ".join(people))
        else:
            who = _("anybody who claims it")
        yield Move(what=_("Completing the task"), who=who)


def _events(row: ElementRow, detail: InstanceDetail, process: Process) -> Iterator[Move]:
    for subscription in detail.subscriptions:
        if not _belongs(subscription, row, process):
            continue
        name = short(subscription.name)
        if subscription.kind == "CONDITION":
            yield Move(what=_("The condition “%(name)s”", name=name), who=_("a change of variables"))
        elif subscription.kind == "SIGNAL":
            yield Move(what=_("The signal “%(name)s”", name=name), who=_("whoever sends it"))
        elif subscription.correlation_key is not None:
            yield Move(what=_("The message “%(name)s” with key %(key)s", name=name, key=subscription.correlation_key),
                       who=_("whoever sends it"))
        else:
            yield Move(what=_("The message “%(name)s”", name=name), who=_("whoever sends it"))
    for timer in detail.timers:
        if _belongs(timer, row, process):
            yield Move(what=_("A time"), who=_("the engine, by itself"), moment=timer.due_at)


def _belongs(event: Any, row: ElementRow, process: Process) -> bool:
    """Whether an open event is the token's own, or a boundary event at its edge."""
    if event.element_instance_key == row.key:
        return True
    element: Element | None = process.elements.get(event.element_id)
    return event.attached and element is not None and element.attached_to == row.element_id


def _called(row: ElementRow, detail: InstanceDetail) -> Iterator[Move]:
    for child in detail.called:
        if child.parent_element_instance_key == row.key and child.state == InstanceState.ACTIVE:
            yield Move(what=_("The end of the called instance %(key)s", key=child.key),
                       who=_("whoever may move that one"))

"""Why a token is where it is: the way it took, what can move it, and who may.

Conditions are told with the values that their variables had at the end of the transaction in which the flow was taken.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext as _

from bpmn.expressions import Expression
from bpmn.model import Process
from engine.durations import Learned
from engine.queries.instance import InstanceDetail
from engine.queries.past import HistoryRow
from engine.queries.things import ElementRow, JobRow, SubscriptionRow, TimerRow, UserTaskRow
from engine.states import ElementState, IncidentState, InstanceState, JobState, UserTaskState
from web.console import joins
from web.console.formatting import short
from web.console.numbers import LARGEST

MOST = 50
"""Tokens that are told of; an instance with a thousand would bury the page."""

NOW = LARGEST
"""The number of a transaction that is after all others."""

Values = Mapping[str, Any]
ValuesOf = Callable[[Sequence[int], int, Collection[str]], Values]
"""The variables of these names that are seen in the first of these scopes, the others being around it, after the
transaction of that number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What is around tokens: the sub-processes and bodies that they are in, by their keys, in their process; what each
    armed event can end (`hosts`), and the variables that are seen there."""

    of: Mapping[int, HistoryRow]
    process: Process
    hosts: Mapping[int, int]
    values_of: ValuesOf

    def around(self, row: HistoryRow) -> list[HistoryRow]:
        """What a token is in, the innermost first."""
        found = []
        while (outer := self.of.get(row.scope_key)) is not None:
            found.append(outer)
            row = outer
        return found

    def scopes(self, row: HistoryRow) -> list[int]:
        """The keys of the scopes in which the flow to a token is, the innermost first."""
        return [row.scope_key, *(outer.scope_key for outer in self.around(row))]


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
    """One token. `condition` is that of the flow it took; by a default flow, `untrue` are those of the flows that it
    did not take. `values` are the variables in them."""

    key: int
    element_id: str
    name: str
    type: str
    state: str
    since: datetime
    came_from: str
    condition: str
    untrue: tuple[str, ...]
    values: tuple[Value, ...]
    moves: tuple[Move, ...]
    usual: tuple[timedelta, timedelta] | None


def tokens(rows: Sequence[HistoryRow], detail: InstanceDetail, surroundings: Surroundings,
           known: Mapping[str, Learned], *, moves: bool = True) -> list[Whereabouts]:
    """The innermost of some tokens, in the order in which they came there.

    Arguments: the tokens; what they wait for; what is around them; what is known of the elements; whether to tell what
    can move them (of a past moment nobody knows).
    """
    active = [row for row in rows if row.state == ElementState.ACTIVE]
    inside = {row.scope_key for row in active}
    innermost = [row for row in active if row.key not in inside][:MOST]
    return [_token(row, detail, surroundings, known.get(row.element_id), moves) for row in innermost]


def _token(row: HistoryRow, detail: InstanceDetail, surroundings: Surroundings, learned: Learned | None,
           moves: bool) -> Whereabouts:
    process = surroundings.process
    element = process.elements.get(row.element_id)
    condition, untrue = _conditions(row, process)
    return Whereabouts(
        key=row.key, element_id=row.element_id, name=(element and element.name) or row.element_id, type=row.type,
        state="incident" if row.incident_key else "active", since=row.started_at, came_from=_came_from(row, process),
        condition=condition.text if condition is not None else "", untrue=tuple(each.text for each in untrue),
        values=_values([condition] if condition is not None else untrue, row, surroundings),
        moves=tuple(_moves(row, detail, surroundings)) if moves else (),
        usual=(learned.median, learned.p95) if learned is not None and learned.samples else None,
    )


def _conditions(row: HistoryRow, process: Process) -> tuple[Expression | None, list[Expression]]:
    """The condition of the flow that was taken; of a default flow those of its neighbours, none of which was true."""
    flow = process.flows.get(row.flow_id or "")
    if flow is None or not _is_default(flow.id, process):
        return flow.condition if flow is not None else None, []
    return None, [each.condition for each in process.flows.values()
                  if each.source == flow.source and each.id != flow.id and each.condition is not None]


def _is_default(flow_id: str, process: Process) -> bool:
    source = process.elements.get(process.flows[flow_id].source)
    return source is not None and source.default_flow == flow_id


def _came_from(row: ElementRow, process: Process) -> str:
    flow = process.flows.get(row.flow_id or "")
    if flow is None:
        return ""
    source = process.elements.get(flow.source)
    name = (source and source.name) or flow.source
    is_default = _is_default(flow.id, process)
    if flow.name and is_default:
        return _("“%(element)s” by “%(flow)s”, the default flow", element=name, flow=flow.name)
    if flow.name:
        return _("“%(element)s” by “%(flow)s”", element=name, flow=flow.name)
    return _("“%(element)s”, the default flow", element=name) if is_default else f"“{name}”"


def _values(conditions: Sequence[Expression], row: HistoryRow, surroundings: Surroundings) -> tuple[Value, ...]:
    names = sorted({name for condition in conditions for name in condition.names})
    if not names:
        return ()
    scopes = surroundings.scopes(row)
    then, now = (surroundings.values_of(scopes, revision, names) for revision in (row.revision, NOW))
    return tuple(
        Value(name=name, then=_shown(then, name),
              now=_shown(now, name) if _shown(now, name) != _shown(then, name) else None)
        for name in names
    )


def _shown(values: Values, name: str) -> str:
    return short(values[name], 200) if name in values else _("is not set")


def _moves(row: HistoryRow, detail: InstanceDetail, surroundings: Surroundings) -> list[Move]:
    if detail.row.state != InstanceState.ACTIVE:
        return []
    found = [move for moves in (_incidents(row, detail), _jobs(row, detail.jobs), _tasks(row, detail.user_tasks),
                                _joined(row, detail, surroundings.process), _events(row, detail, surroundings),
                                _called(row, detail)) for move in moves]
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


def _joined(row: HistoryRow, detail: InstanceDetail, process: Process) -> Iterator[Move]:
    for join in joins.waiting(detail.elements, process):
        if row.key in join.tokens:
            yield Move(who=_("whatever moves those"), what=_(
                "A token from each of %(others)s", others=", ".join(f"“{each}”" for each in join.missing))
                if join.missing else _("The tokens that can still come to it"))


def _events(row: HistoryRow, detail: InstanceDetail, surroundings: Surroundings) -> Iterator[Move]:
    around = {row.key: "", **{each.key: _name(each.element_id, surroundings.process)
                              for each in surroundings.around(row)}}
    around[detail.row.key] = surroundings.process.name or surroundings.process.id
    events: list[SubscriptionRow | TimerRow] = [*detail.subscriptions, *detail.timers]
    found = [(event, around.get(_ends(event, surroundings) or 0)) for event in events]
    # What is the token's own comes first.
    for event, name in sorted(found, key=lambda each: bool(each[1])):
        if name is None:
            continue
        move = _time(event) if isinstance(event, TimerRow) else _event(event)
        # Whoever reads "Wrap" has to know that the message takes the whole of "Pack" away.
        yield replace(move, what=_("%(event)s, which ends “%(element)s” around it", event=move.what,
                                   element=name)) if name else move


def _ends(event: SubscriptionRow | TimerRow, surroundings: Surroundings) -> int | None:
    """The key of what an event takes the token out of; None if it leaves it where it is, and begins something else."""
    if not event.attached:
        return event.element_instance_key
    element = surroundings.process.elements.get(event.element_id)
    if element is None or not element.interrupting:
        return None
    return surroundings.hosts.get(event.element_instance_key or 0)


def _name(element_id: str, process: Process) -> str:
    element = process.elements.get(element_id)
    return (element and element.name) or element_id


def _time(timer: TimerRow) -> Move:
    return Move(what=_("A time"), who=_("the engine, by itself"), moment=timer.due_at)


def _event(subscription: SubscriptionRow) -> Move:
    name = short(subscription.name)
    if subscription.kind == "CONDITION":
        return Move(what=_("The condition “%(name)s”", name=name), who=_("a change of variables"))
    if subscription.kind == "SIGNAL":
        return Move(what=_("The signal “%(name)s”", name=name), who=_("whoever sends it"))
    if subscription.correlation_key is not None:
        return Move(what=_("The message “%(name)s” with key %(key)s", name=name, key=subscription.correlation_key),
                    who=_("whoever sends it"))
    return Move(what=_("The message “%(name)s”", name=name), who=_("whoever sends it"))


def _called(row: ElementRow, detail: InstanceDetail) -> Iterator[Move]:
    for child in detail.called:
        if child.parent_element_instance_key == row.key and child.state == InstanceState.ACTIVE:
            yield Move(what=_("The end of the called instance %(key)s", key=child.key),
                       who=_("whoever may move that one"))

"""What the words for instances mean: in flight, waiting, retrying, stalled, …

An instance may be several of these at once. Each count of the overview is the length of the list that the same word
gives as a filter, because both come from here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    and_,
    exists,
    literal,
    literal_column,
    or_,
    select,
    union_all,
)

from engine import schema
from engine.late import late_instance, late_instances
from engine.states import EffectState, IncidentState, InstanceState, JobState, UserTaskState
from engine.work.filters import TO_HAND_OUT

_i = schema.instances.c
_j = schema.jobs.c
_u = schema.user_tasks.c
_t = schema.timers.c
_s = schema.subscriptions.c
_n = schema.incidents.c

STATES = ("active", "waiting", "retrying", "stalled", "in_doubt", "held", "incident", "snoozed", "suspended",
          "completed", "terminated")
"""The words, in the order in which faces show them. "active" is everything in flight."""

ENDED = frozenset({"completed", "terminated"})
"""Those of instances that are over."""

WORD_ACTIVE: ColumnElement[str] = literal_column(f"'{InstanceState.ACTIVE}'")
ACTIVE = _i.state == WORD_ACTIVE
"""With its state written out, as in the indexes of what is open: they serve no statement that only binds it."""
_AMONG_FEW = _i.state.concat("") == literal_column(f"'{InstanceState.ACTIVE}'")
"""The same, said so that no index of states is used: another condition has an index that finds few."""
_WORKABLE = and_(_j.ended_at.is_(None), _j.state.in_([JobState.CREATED.value, JobState.ACTIVATED.value]))
_OPEN_TASK = _u.state == literal_column(f"'{UserTaskState.CREATED}'")
_FAILED = _j.error_message.is_not(None)
_IN_DOUBT = and_(_j.effect == literal_column(f"'{EffectState.IN_DOUBT}'"), _j.state == JobState.FAILED.value,
                 ~_j.repeatable)
_HELD = and_(TO_HAND_OUT, _j.type.in_(select(schema.holds.c.service)))


def waiting(active: ColumnElement[bool] = ACTIVE) -> ColumnElement[bool]:
    """It waits for a person, a message, a signal, a condition or a time, and not just at its edge."""
    # Not EXISTS: PostgreSQL would read all tasks, subscriptions and timers first, to look each instance up in them.
    return and_(active, or_(*(one.limit(1).scalar_subquery().is_not(None) for one in (
        select(literal(1)).where(_u.instance_key == _i.key, _OPEN_TASK),
        select(literal(1)).where(_s.instance_key == _i.key, ~_s.attached),
        select(literal(1)).where(_t.instance_key == _i.key, ~_t.attached),
    ))))


def retrying() -> ColumnElement[bool]:
    """One of its jobs failed and will be tried again."""
    return and_(ACTIVE, _i.key.in_(_jobs_of(_FAILED)))


def stalled(now: datetime) -> ColumnElement[bool]:
    """One of its jobs is open for longer than its service promised, or it is somewhere for longer than nearly all were
    (`engine.durations`)."""
    return and_(ACTIVE, _i.key.in_(union_all(_jobs_of(_late(now)), late_instances())))


def held() -> ColumnElement[bool]:
    """One of its jobs is for a service that is held (`engine.work.holds`)."""
    return and_(ACTIVE, _i.key.in_(_jobs_of(_HELD)))


def in_doubt() -> ColumnElement[bool]:
    """Nobody knows whether one of its calls took effect, and it must not simply be repeated (`engine.work.doubts`)."""
    return and_(ACTIVE, _i.key.in_(select(_j.instance_key).where(_IN_DOUBT)))


def of_one(now: datetime) -> dict[str, ColumnElement[bool]]:
    """What `waiting`, `retrying`, `stalled`, `in_doubt`, `held` and `snoozed` say, to be asked of few instances, one by
    one."""
    own = (_j.instance_key == _i.key, _WORKABLE)
    return {
        "waiting": waiting(), "retrying": and_(ACTIVE, exists().where(*own, _FAILED)),
        "stalled": and_(ACTIVE, or_(exists().where(*own, _late(now)), late_instance())),
        "held": and_(ACTIVE, exists().where(*own, _HELD)),
        "in_doubt": and_(ACTIVE, exists().where(_j.instance_key == _i.key, _IN_DOUBT)),
        "snoozed": and_(ACTIVE, _i.incident_count > literal_column("0"), ~exists().where(
            _n.instance_key == _i.key, _n.state == literal_column(f"'{IncidentState.ACTIVE}'"), _awake(_n, now))),
    }


def _late(now: datetime) -> ColumnElement[bool]:
    return and_(_j.expected_by.is_not(None), _j.expected_by <= now)


def incident(now: datetime) -> ColumnElement[bool]:
    """It cannot go on somewhere, and not all of its incidents are snoozed (`engine.care`)."""
    return and_(_failed(), _i.key.not_in(_quiet(now)))


def snoozed(now: datetime) -> ColumnElement[bool]:
    """It cannot go on somewhere, but nobody is to be called by that until later."""
    return and_(_failed(), _i.key.in_(_quiet(now)))


def _failed() -> ColumnElement[bool]:
    return and_(_AMONG_FEW, _i.incident_count > literal_column("0"))


def _quiet(now: datetime) -> Select[int]:
    """Instances of which all open incidents are snoozed. There are few, and an index has them."""
    other = schema.incidents.alias("other")
    open_too = other.c.state == literal_column(f"'{IncidentState.ACTIVE}'")
    awake = exists().where(other.c.instance_key == _n.instance_key, open_too, _awake(other.c, now))
    return select(_n.instance_key).where(
        _n.state == literal_column(f"'{IncidentState.ACTIVE}'"), _n.snoozed_until.is_not(None), _n.snoozed_until > now,
        ~awake)


def _awake(incident: Any, now: datetime) -> ColumnElement[bool]:
    return or_(incident.snoozed_until.is_(None), incident.snoozed_until <= now)


def suspended() -> ColumnElement[bool]:
    """It rests until it is resumed."""
    return and_(_AMONG_FEW, _i.suspended_at.is_not(None))


def condition(state: str, now: datetime) -> ColumnElement[bool]:
    """The condition of one of `STATES`; raises KeyError for another word."""
    return _CONDITIONS[state](now)


def phase(states: Collection[str]) -> str | None:
    """Whether instances in these states are all "live", or have all "ended"; None if there may be both."""
    ended = {state in ENDED for state in states}
    return None if len(ended) != 1 else "ended" if ended.pop() else "live"


def rare(states: Collection[str], now: datetime) -> Select[int] | CompoundSelect[int] | None:
    """The keys of all that are in one of these states, and of some that have ended, where indexes have few such; None
    for other states."""
    if not states or not set(states) <= _RARE.keys():
        return None
    return union_all(*(_RARE[state](now) for state in states))


_RARE: dict[str, Callable[[datetime], Select[int]]] = {
    "retrying": lambda now: _jobs_of(_FAILED),
    "stalled": lambda now: select(union_all(_jobs_of(_late(now)), late_instances()).subquery().c[0]),
    "in_doubt": lambda now: select(_j.instance_key).where(_IN_DOUBT),
    "held": lambda now: _jobs_of(_HELD),
    "incident": lambda now: select(_i.key).where(incident(now)),
    "snoozed": lambda now: select(_i.key).where(snoozed(now)),
    "suspended": lambda now: select(_i.key).where(suspended()),
}

_CONDITIONS: dict[str, Callable[[datetime], ColumnElement[bool]]] = {
    "active": lambda now: ACTIVE,
    "waiting": lambda now: waiting(),
    "retrying": lambda now: retrying(),
    "stalled": stalled,
    "in_doubt": lambda now: in_doubt(),
    "held": lambda now: held(),
    "incident": incident,
    "snoozed": snoozed,
    "suspended": lambda now: suspended(),
    "completed": lambda now: _i.state == InstanceState.COMPLETED.value,
    "terminated": lambda now: _i.state == InstanceState.TERMINATED.value,
}


def _jobs_of(*more: ColumnElement[bool]) -> Select[int]:
    return select(_j.instance_key).where(_WORKABLE, *more)

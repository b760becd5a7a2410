"""Services whose jobs are not handed out for a while: held by an operator, or by a circuit breaker.

A held job keeps its attempts. A breaker's hold lets one call through from time to time; when that succeeds, the hold
is over. An operator's hold ends when somebody releases it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, select, update

from engine import audit, guard, schema
from engine.cluster.wakeup import jobs_topic
from engine.database import Upsert
from engine.errors import InvalidInput, WrongState
from engine.states import JobState
from engine.values import name as checked_name

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.transaction import Transaction

_h = schema.holds.c

ALL = select(_h.key, _h.service, _h.kind, _h.reason, _h.held_by, _h.held_at, _h.trials, _h.trial_at)
HOLD = Upsert(schema.holds, ["service"], ["kind", "reason", "held_by", "held_at", "trials", "trial_at"])
RELEASE = delete(schema.holds).where(_h.service == bindparam("b_service"))
RESTART = (
    # Nobody was to take them meanwhile: the time that they may wait for a worker begins now.
    update(schema.jobs)
    .where(schema.jobs.c.type == bindparam("b_service"), schema.jobs.c.state == JobState.CREATED.value,
           schema.jobs.c.due_at < bindparam("b_now"))
    .values(due_at=bindparam("b_now"))
)
CLAIM = (
    update(schema.holds)
    .where(_h.service == bindparam("b_service"), _h.kind == "BREAKER", _h.trial_at <= bindparam("b_now"))
    .values(trial_at=bindparam("b_until"))
)
POSTPONE = (
    update(schema.holds).where(_h.service == bindparam("b_service")).values(trial_at=bindparam("b_until"))
)


class HoldKind(StrEnum):
    """Who holds a service."""

    OPERATOR = "OPERATOR"
    BREAKER = "BREAKER"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """One service that is held. `trial_at` is when a breaker lets the next call through, `trials` how many failed."""

    key: int
    service: str
    kind: str
    reason: str
    held_by: str
    held_at: datetime
    trials: int
    trial_at: datetime | None


def current(tx: Transaction) -> Mapping[str, Hold]:
    """Which services are held, by name; read once per transaction."""
    if tx.holds is None:
        tx.holds = {row.service: Hold(**row._mapping) for row in tx.select(ALL)}
    return tx.holds


def all_of_them(engine: Engine) -> tuple[Hold, ...]:
    """Which services are held, by name."""
    with engine.read() as connection:
        return tuple(Hold(**row._mapping) for row in connection.execute(ALL.order_by(_h.service)))


def hold(tx: Transaction, service: str, reason: str) -> None:
    """Hand out no more jobs of a service until it is released; calls under way may finish. Audited.

    A hold of a breaker becomes the operator's. Raises InvalidInput (no reason, no name), WrongState (held by an
    operator already).
    """
    why = guard.reason_given(reason, "hold a service")
    found = _alone(tx, _named(service))
    if found is not None and found.kind == HoldKind.OPERATOR:
        raise WrongState(f"Expected service {service!r} to be in use, but {found.held_by} holds it already.")
    _write(tx, service, HoldKind.OPERATOR, why)
    audit.record(tx, "HOLD", "SERVICE", tx.key(), reason=why, details={"name": service},
                 before={"held": found and found.kind}, after={"held": HoldKind.OPERATOR})


def release(tx: Transaction, service: str, reason: str) -> None:
    """Hand out the jobs of a service again, few at first. Audited.

    Raises InvalidInput (no reason), WrongState (not held).
    """
    why = guard.reason_given(reason, "release a service")
    found = _alone(tx, _named(service))
    if found is None:
        raise WrongState(f"Expected service {service!r} to be held, but it is not.")
    _end(tx, service)
    audit.record(tx, "RELEASE", "SERVICE", tx.key(), reason=why, details={"name": service},
                 before={"held": found.kind}, after={"held": None})


def open_breaker(tx: Transaction, service: str, reason: str, rest: timedelta, longest: timedelta) -> None:
    """A service fails too often: let it rest for a while, for twice as long after each trial that failed. Audited
    when it begins."""
    found = _alone(tx, service)
    if found is not None and found.kind == HoldKind.OPERATOR:
        return
    trials = 0 if found is None else found.trials + 1
    until = tx.now + min(rest * 2 ** min(trials, 30), longest)
    _write(tx, service, HoldKind.BREAKER, reason, trials=trials, trial_at=until,
           held_at=found.held_at if found else tx.now)
    if found is None:
        audit.record(tx, "OPEN_BREAKER", "SERVICE", tx.key(), reason=reason, details={"name": service},
                     before={"held": None}, after={"held": HoldKind.BREAKER})


def close_breaker(tx: Transaction, service: str) -> None:
    """A trial succeeded: the service is in use again. An operator's hold stays. Audited."""
    found = _alone(tx, service)
    if found is not None and found.kind == HoldKind.BREAKER:
        _end(tx, service)
        audit.record(tx, "CLOSE_BREAKER", "SERVICE", tx.key(), details={"name": service},
                     before={"held": HoldKind.BREAKER}, after={"held": None})


def claim_trial(tx: Transaction, service: str, until: datetime) -> bool:
    """Take the right to make the one call that a breaker lets through; False if it is not due or somebody else has
    it. `until` is when the next one may try, should nothing be heard of this one."""
    values = {"b_service": service, "b_now": tx.now, "b_until": until}
    return tx.connection.execute(CLAIM, values).rowcount == 1


def forgo_trial(tx: Transaction, service: str) -> None:
    """Give that right back: there is no job to try with."""
    tx.connection.execute(POSTPONE, {"b_service": service, "b_until": tx.now})


def _alone(tx: Transaction, service: str) -> Hold | None:
    """The hold of a service, which no other transaction changes from now on."""
    tx.engine.database.serialize(tx.connection, f"hold {service}")
    tx.holds = None
    return current(tx).get(service)


def _named(service: str) -> str:
    found = checked_name(service.strip(), "the name of a service")
    if found is None:
        raise InvalidInput("Expected the name of a service, but it is empty.")
    return found


def _write(tx: Transaction, service: str, kind: HoldKind, reason: str, **more: Any) -> None:
    tx.rows.write(HOLD, {
        "key": tx.key(), "service": service, "kind": kind, "reason": reason, "held_by": tx.actor, "held_at": tx.now,
        "trials": 0, "trial_at": None, **more,
    })
    tx.holds = None


def _end(tx: Transaction, service: str) -> None:
    tx.rows.write(RELEASE, {"b_service": service})
    tx.rows.write(RESTART, {"b_service": service, "b_now": tx.now})
    tx.holds = None
    tx.announce(jobs_topic(service))

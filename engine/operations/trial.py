"""What a deed would do to one instance, found out by doing it and taking it back.

The very commands that will be carried out run in a savepoint, with the steps that follow; then everything is rolled
back. So the plan knows what a copy of the rules could only guess: whether it is refused, where the instance would be
then, and whether it would fail again at once. No service is called by that, because workers see only what is committed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import Connection, RowMapping, bindparam, select
from sqlalchemy.exc import DBAPIError

from bpmn.model import ElementType
from engine import execution, schema
from engine import live as lives
from engine.errors import NotFound, Rejection, Unavailable, WrongState
from engine.operations.deed import LONGEST_SHOWN, Deed, Target
from engine.queries import repeats
from engine.states import EffectState, ElementState, IncidentState, InstanceState, JobState
from engine.work import holds

if TYPE_CHECKING:
    from engine.transaction import Transaction

PLACES = 50
"""How many elements at which an instance is are told."""
EFFECTS = 100
"""How many effects of one instance are kept in its plan."""
MAY_HAVE_HAPPENED = (EffectState.SENT, EffectState.IN_DOUBT)

_e, _i, _j, _n = (table.c for table in (schema.element_instances, schema.instances, schema.jobs, schema.incidents))
AT = (
    select(_e.element_id).where(
        _e.instance_key == bindparam("key"), _e.state == ElementState.ACTIVE.value,
        _e.type.not_in([ElementType.SUB_PROCESS.value, ElementType.EVENT_SUB_PROCESS.value]))
    .order_by(_e.position).limit(PLACES)
)
STATE = select(_i.state, _i.suspended_at, _i.definition_key).where(_i.key == bindparam("key"))
FAILURES = select(_n.key, _n.element_id, _n.message).where(
    _n.instance_key == bindparam("key"), _n.state == IncidentState.ACTIVE.value).order_by(_n.key)
UNDER_WAY = select(_j.key, _j.element_id, _j.type, _j.effect, _j.repeatable).where(
    _j.instance_key == bindparam("key"), _j.ended_at.is_(None), _j.state == JobState.ACTIVATED.value)
WAITING = select(_j.key).where(_j.type == bindparam("service"), _j.ended_at.is_(None))


logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a deed would do. `obstacle` is why it cannot, `refusal` what its command raises then; `expected` how the
    instance is now; `effects` what services may do once more, `risky` if one of them would act twice."""

    changes: list[str]
    expected: dict[str, Any]
    effects: list[dict[str, Any]] = field(default_factory=list)
    refusal: Rejection | None = None

    @property
    def obstacle(self) -> str | None:
        """Why it cannot be done."""
        return None if self.refusal is None else str(self.refusal)

    @property
    def risky(self) -> bool:
        """Whether a service that is not safe to repeat may act once more."""
        return any(not effect["idempotent"] for effect in self.effects)


def judge(tx: Transaction, deed: Deed, key: int) -> Judged:
    """What a deed would do to an instance now. Nothing is changed."""
    tx.rows.flush()
    try:
        row = lives.locked(tx, key)
    except NotFound as error:
        return Judged(changes=[], expected={}, refusal=error)
    connection = tx.connection
    process = tx.definition(row["instance_definition_key"]).process
    target = Target(key=key, process=process, state=row["instance_state"],
                    names=names_of(tx, row["instance_definition_key"]))
    expected = state_of(connection, row)
    try:
        changes = list(deed.told(connection, target))
        effects = _effects(tx, deed, target)
    except Rejection as error:
        return Judged(changes=[], expected=expected, refusal=error)
    after = _tried(tx, deed, key, target)
    if isinstance(after, Rejection):
        return Judged(changes=changes, expected=expected, effects=effects, refusal=after)
    if not (deed.settles and deed.final):   # else that it ends is all there is to say
        changes += _moved(expected["places"], after, target.names,
                          names_of(tx, after["definition_key"]))
    return Judged(changes=changes, expected=expected, effects=effects)


def judge_service(tx: Transaction, deed: Deed, service: str) -> Judged:
    """What a deed would do to a service now."""
    expected = {"held": service in holds.current(tx)}
    waiting = len(tx.select(WAITING.limit(1000), {"service": service}))
    count = "1,000 or more" if waiting == 1000 else str(waiting)
    try:
        _in_savepoint(tx, deed, 0)
    except Rejection as error:
        return Judged(changes=[], expected=expected, refusal=error)
    finally:
        tx.holds = None
    sentence = f"Open jobs that are handed out again: {count}." if expected["held"] \
        else f"Open jobs that wait, without losing attempts: {count}."
    return Judged(changes=[sentence], expected=expected)


def names_of(tx: Transaction, definition_key: int) -> dict[str, str]:
    """What people call the elements of a definition."""
    return {id: element.name or id for id, element in tx.definition(definition_key).process.elements.items()}


def state_of(connection: Connection, row: RowMapping) -> dict[str, Any]:
    """How an instance is, as far as a plan depends on it."""
    key = row["instance_key"]
    return {"revision": row["instance_revision"], "state": row["instance_state"],
            "suspended": row["instance_suspended_at"] is not None,
            "places": list(connection.scalars(AT, {"key": key}))}


def _tried(tx: Transaction, deed: Deed, key: int, target: Target) -> dict[str, Any] | Rejection:
    """How the instance would be afterwards, or what refuses the deed."""
    before = {row.key for row in tx.connection.execute(FAILURES, {"key": key})}
    try:
        return _in_savepoint(tx, deed, key, before)
    except Rejection as error:
        return error
    except (DBAPIError, Unavailable):
        raise
    except Exception:
        # One instance that cannot go on must not keep the plan of all others from being made.
        logger.exception("a deed could not be tried", instance_key=key, deed=type(deed).__name__)
        return WrongState("It would fail for a fault in Partitur. The log says more.")


def _in_savepoint(tx: Transaction, deed: Deed, key: int, known: set[int] | None = None) -> dict[str, Any]:
    made = type(tx)(tx.engine, tx.connection, tx.now, tx.callers)
    savepoint = tx.connection.begin_nested()
    try:
        if deed.on_instances:
            made.instance_rows[key] = lives.locked(made, key)
        done = deed.do(made, key, "To find out what it would do.")
        execution.run(made)
        if not deed.on_instances:
            return {}
        there = done.made or key
        state = tx.connection.execute(STATE, {"key": there}).one()
        failed = [row for row in tx.connection.execute(FAILURES, {"key": there}) if row.key not in (known or ())]
        return {"state": state.state, "definition_key": state.definition_key, "failed": failed,
                "places": list(tx.connection.scalars(AT, {"key": there})), "made": done.made is not None}
    finally:
        savepoint.rollback()
        tx.engine.keys.taken_back(tx.connection)


def _moved(before: list[str], after: Mapping[str, Any], names: Mapping[str, str],
           names_there: Mapping[str, str]) -> list[str]:
    """Where the instance would be, where that is not where it is. In another version elements may be called otherwise:
    `names_there`."""
    said = []
    gone, come = Counter(before) - Counter(after["places"]), Counter(after["places"]) - Counter(before)
    if after["state"] != InstanceState.ACTIVE:
        ends = "complete" if after["state"] == InstanceState.COMPLETED else "end"
        said.append(f"It would {ends} at once.")
    elif after["made"]:
        said.append(f"The new one would be at {_named(come or Counter(after['places']), names_there)}.")
    elif gone or come:
        left, come_to = _named(gone, names), _named(come, names_there)
        if left == come_to:     # renamed elements often keep what people call them
            left, come_to = _named(gone, {}), _named(come, {})
        said.append(f"Leaves {left}." if not come else f"Comes to {come_to}." if not gone
                    else f"Goes from {left} to {come_to}.")
    for row in after["failed"][:3]:
        said.append(f"It would fail at once at {names_there.get(row.element_id, row.element_id)}: "
                    f"{row.message[:LONGEST_SHOWN]}")
    return said


def _named(places: Counter[str], names: Mapping[str, str]) -> str:
    return ", ".join(names.get(id, id) + (f" ({count} times)" if count > 1 else "")
                     for id, count in places.items()) or "nowhere"


def _effects(tx: Transaction, deed: Deed, target: Target) -> list[dict[str, Any]]:
    """What services did or may have done, and may do once more."""
    found: dict[int, dict[str, Any]] = {}
    for job in deed.jobs(tx.connection, target):
        # A service that said that it did not act does so for the first time.
        if job.effect in MAY_HAVE_HAPPENED:
            found[job.key] = _effect(job, target, job.type)
    elements = deed.elements(tx.connection, target)
    if elements:
        for row in repeats.repeated_on(tx.engine, tx.connection, target.key, elements):
            found[row.key] = _effect(row, target, row.service)
    if deed.final or elements:
        for job in tx.connection.execute(UNDER_WAY, {"key": target.key}):
            found.setdefault(job.key, {**_effect(job, target, job.type), "underWay": True, "idempotent": True})
    return list(found.values())[:EFFECTS]


def _effect(row: Any, target: Target, service: str) -> dict[str, Any]:
    return {"job": str(row.key), "element": row.element_id, "name": target.names.get(row.element_id, row.element_id),
            "service": service, "effect": row.effect, "idempotent": bool(row.repeatable), "underWay": False}

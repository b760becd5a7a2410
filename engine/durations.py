"""What instances tell of elements: how long tokens stay, how often it fails. Learned in the background.

From the newest instances of a definition, so that it costs the same with a thousand as with a million of them, and
follows when a service becomes slower. A token that stays longer than 99 of 100 did is *stalled*, whatever its age.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, delete, func, insert, select, update

from bpmn.model import EventKind
from engine import schema
from engine.states import ElementState, InstanceState

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.programs import Definition
    from engine.transaction import Transaction

SAMPLE = 500
"""Instances of each state that are looked at, the newest."""
MOST_VISITS = 20_000
"""Element instances of them: one that loops for ever must not fill the memory."""
ENOUGH = 100
"""Visits that it takes to say what 99 of 100 do."""
AT_LEAST = timedelta(minutes=1)
"""Nothing is late before that: where all take milliseconds, one busy second would alarm everybody."""
RENEW = timedelta(minutes=5)
"""How often what is known of a definition is learned anew."""
MILLISECOND = timedelta(milliseconds=1)

_i, _e, _n, _j = schema.instances.c, schema.element_instances.c, schema.incidents.c, schema.jobs.c
_d = schema.element_durations.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What is known of one element (`engine.schema.durations`), from instances that began at `since` or later."""

    element_id: str
    samples: int
    median: timedelta
    p95: timedelta
    p99: timedelta
    failures: int
    retries: int
    since: datetime | None = None
    learned_at: datetime | None = None


def learn(engine: Engine) -> int:
    """Learn anew what is known for longer than `RENEW`, of definitions that have instances; returns of how many.

    And say anew since when a token must be at an element to be late. Any number of nodes may do so; what one has done
    the others leave.
    """
    learned = 0
    for key in _definitions(engine):
        with engine.read() as connection:
            definition = engine.programs.get(connection, key)
            found = look(connection, key)
        engine.execute(_keep, definition, found)
        learned += 1
    engine.execute(_advance)
    return learned


def _definitions(engine: Engine) -> list[int]:
    """Definitions with instances of which nothing is known, or nothing new."""
    known = select(_d.definition_key).where(_d.learned_at > engine.clock() - RENEW)
    alive = select(_i.key).where(_i.definition_key == schema.definitions.c.key).exists()
    statement = select(schema.definitions.c.key).where(alive, schema.definitions.c.key.not_in(known))
    with engine.read() as connection:
        return list(connection.scalars(statement))


def look(connection: Connection, definition_key: int) -> list[Learned]:
    """What the newest instances of a definition tell of its elements."""
    instances: list[int] = []
    for state in (InstanceState.COMPLETED, InstanceState.ACTIVE):
        instances += connection.scalars(
            select(_i.key).where(_i.definition_key == definition_key, _i.state == state.value)
            .order_by(_i.key.desc()).limit(SAMPLE))
    since = connection.scalar(select(func.min(_i.started_at)).where(_i.key.in_(instances)))
    visits: dict[str, list[int]] = defaultdict(list)
    statement = select(_e.element_id, _e.started_at, _e.ended_at).where(
        _e.instance_key.in_(instances), _e.state == ElementState.COMPLETED.value, _e.ended_at.is_not(None)
    ).limit(MOST_VISITS)
    for element_id, began, ended in connection.execute(statement):
        visits[element_id].append((ended - began) // MILLISECOND)
    failures = _counts(connection, select(_n.element_id, func.count()).where(_n.instance_key.in_(instances))
                       .group_by(_n.element_id))
    retries = _counts(connection, select(_j.element_id, func.sum(_j.attempt - 1)).where(
        _j.instance_key.in_(instances), _j.attempt > 1).group_by(_j.element_id))
    return [replace(_learned(element_id, sorted(visits[element_id]), failures, retries), since=since)
            for element_id in sorted({*visits, *failures, *retries})]


def _counts(connection: Connection, statement: Any) -> dict[str, int]:
    return {row[0]: int(row[1]) for row in connection.execute(statement)}


def _learned(element_id: str, stays: Sequence[int], failures: dict[str, int], retries: dict[str, int]) -> Learned:
    def of(share: float) -> timedelta:
        # The nearest rank: a stay that there was, not one in between.
        return stays[max(0, -int(-share * len(stays) // 1) - 1)] * MILLISECOND if stays else timedelta()
    return Learned(element_id=element_id, samples=len(stays), median=of(0.5), p95=of(0.95), p99=of(0.99),
                   failures=failures.get(element_id, 0), retries=retries.get(element_id, 0))


def _keep(tx: Transaction, definition: Definition, found: Sequence[Learned]) -> None:
    tx.connection.execute(delete(schema.element_durations).where(_d.definition_key == definition.key))
    if found:
        tx.connection.execute(insert(schema.element_durations), [{
            "definition_key": definition.key, "element_id": each.element_id, "samples": each.samples,
            "median_ms": each.median // MILLISECOND, "p95_ms": each.p95 // MILLISECOND,
            "p99_ms": each.p99 // MILLISECOND, "failures": each.failures, "retries": each.retries,
            "late_before": _late_before(definition, each, tx.now), "learned_at": tx.now, "since": each.since,
        } for each in found])


def _late_before(definition: Definition, known: Learned, now: datetime) -> datetime | None:
    element = definition.process.elements.get(known.element_id)
    # What waits for a time is not late before that time.
    if element is None or known.samples < ENOUGH or any(event.kind is EventKind.TIMER for event in element.events):
        return None
    return now - max(known.p99, AT_LEAST)


def _advance(tx: Transaction) -> None:
    """Move the moments on, without learning anything."""
    rows = tx.connection.execute(select(_d.definition_key, _d.element_id, _d.p99_ms).where(
        _d.late_before.is_not(None))).all()
    for row in rows:
        late = tx.now - max(row.p99_ms * MILLISECOND, AT_LEAST)
        tx.connection.execute(update(schema.element_durations).where(
            _d.definition_key == row.definition_key, _d.element_id == row.element_id).values(late_before=late))


def known(engine: Engine, definition_key: int) -> dict[str, Learned]:
    """What is known of the elements of a definition, by their ids."""
    statement = select(schema.element_durations).where(_d.definition_key == definition_key)
    with engine.read() as connection:
        return {row.element_id: Learned(
            element_id=row.element_id, samples=row.samples, median=row.median_ms * MILLISECOND,
            p95=row.p95_ms * MILLISECOND, p99=row.p99_ms * MILLISECOND, failures=row.failures, retries=row.retries,
            since=row.since, learned_at=row.learned_at,
        ) for row in connection.execute(statement)}

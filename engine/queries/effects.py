"""The effects ledger: what each service did, may have done, and how well it answers."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import and_, func, literal_column, or_, select

from engine import schema
from engine.errors import NotFound
from engine.queries.conditions import ACTIVE
from engine.queries.paging import Page, page_of
from engine.states import EffectState, JobState

if TYPE_CHECKING:
    from engine.engine import Engine

_j, _i = schema.jobs.c, schema.instances.c

UNDECIDED = and_(_j.effect == literal_column(f"'{EffectState.IN_DOUBT}'"), _j.state == JobState.FAILED.value,
                 ~_j.repeatable)
"""Nobody knows whether the call took effect, and it must not simply be repeated: somebody has to decide (written out,
as in the index of what is in doubt)."""

WINDOW = timedelta(hours=24)
"""Whose calls count for the figures of a service."""
SAMPLE = 1000
"""How many of them, the newest, at most."""

EFFECTS = select(
    _j.key, _j.instance_key, _i.business_id, _j.process_id, _j.element_id, _j.type.label("service"), _j.effect,
    _j.state, _j.idempotency_key, _j.attempt, _j.locked_by.label("worker"), _j.repeatable, _j.askable,
    _j.request_digest, _j.response_digest, _j.error_message, _j.evidence, _j.compensated_by, _j.created_at,
    _j.sent_at, _j.settled_at,
).join(schema.instances, _i.key == _j.instance_key)


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectRow:
    """What one job caused outside. `key` is the job's; `state` the job's too."""

    key: int
    instance_key: int
    business_id: str | None
    process_id: str
    element_id: str
    service: str
    effect: str
    state: str
    idempotency_key: str
    attempt: int
    worker: str | None
    repeatable: bool
    askable: bool
    request_digest: str | None
    response_digest: str | None
    error_message: str | None
    evidence: str | None
    compensated_by: int | None
    created_at: datetime
    sent_at: datetime | None
    settled_at: datetime | None

    @property
    def needs_decision(self) -> bool:
        """Whether an operator has to say what became of it (see `engine.work.doubts`)."""
        return self.state == JobState.FAILED and self.effect == EffectState.IN_DOUBT and not self.repeatable


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceFigures:
    """How well a service answered lately: attempts that are settled, the share of them that failed, and how long
    those took that succeeded (the middle one and the slowest but five of a hundred). `in_doubt` are the calls of live
    instances about which somebody has to decide now, however old they are."""

    service: str
    settled: int
    failed: int
    in_doubt: int
    typical: timedelta | None
    slow: timedelta | None

    @property
    def error_rate(self) -> float | None:
        """Failed out of all, 0 to 1; None if there were none."""
        return self.failed / self.settled if self.settled else None


def effects(engine: Engine, *, service: str | None = None, states: Collection[str] = (),
            instance_key: int | None = None, key: int | None = None, undecided: bool = False, limit: int = 50,
            offset: int = 0) -> Page[EffectRow]:
    """Effects, those sent last first. Jobs that nobody took yet have no effect; they are there with INTENDED only if
    `states` asks for it. `undecided`: only those of live instances about which somebody has to decide."""
    wanted = [column == value for column, value in (
        (_j.type, service), (_j.instance_key, instance_key), (_j.key, key)) if value is not None]
    if EffectState.INTENDED not in states:
        wanted.append(_j.sent_at.is_not(None))
    if undecided:
        wanted += [UNDECIDED, ACTIVE]
    if states:
        wanted.append(_j.effect.in_(list(states)))
    with engine.read() as connection:
        return page_of(connection, EFFECTS, _j.key, EffectRow, where=wanted, order=(_j.sent_at.desc(), _j.key.desc()),
                       limit=limit, offset=offset)


def effect(engine: Engine, key: int) -> EffectRow:
    """The effect of one job; raises NotFound."""
    found = effects(engine, key=key, limit=1).items
    if not found:
        raise NotFound(f"Expected to find the effect of a job with key {key}, but there is none.")
    return found[0]


def in_doubt(engine: Engine, instance_key: int) -> frozenset[int]:
    """The jobs of an instance about which an operator has to decide."""
    statement = select(_j.key).where(_j.instance_key == instance_key, UNDECIDED)
    with engine.read() as connection:
        return frozenset(connection.scalars(statement))


def figures(engine: Engine, service: str) -> ServiceFigures:
    """How a service answered during the last day."""
    answered = or_(_j.settled_at.is_not(None), _j.effect == EffectState.IN_DOUBT.value)
    statement = (
        select(_j.effect, _j.state, _j.sent_at, _j.settled_at)
        .where(and_(_j.type == service, _j.sent_at >= engine.clock() - WINDOW, answered))
        .order_by(_j.sent_at.desc()).limit(SAMPLE)
    )
    undecided = select(func.count()).select_from(schema.jobs).join(
        schema.instances, _i.key == _j.instance_key).where(_j.type == service, UNDECIDED, ACTIVE)
    with engine.read() as connection:
        rows = connection.execute(statement).all()
        in_doubt = connection.scalar(undecided) or 0
    took = sorted(row.settled_at - row.sent_at for row in rows if row.effect == EffectState.CONFIRMED)
    return ServiceFigures(
        service=service, settled=len(rows),
        # A business error is an answer: the service works.
        failed=sum(row.effect != EffectState.CONFIRMED and row.state != JobState.ERROR_THROWN for row in rows),
        in_doubt=in_doubt,
        typical=took[len(took) // 2] if took else None,
        slow=took[min(len(took) * 95 // 100, len(took) - 1)] if took else None,
    )

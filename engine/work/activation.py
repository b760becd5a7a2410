"""Hands jobs to workers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    and_,
    bindparam,
    case,
    func,
    literal,
    or_,
    select,
    text,
    update,
)

from engine import permits, schema
from engine.cluster.partitions import Partitions, among
from engine.cluster.wakeup import due_topic
from engine.errors import InvalidInput
from engine.fairness import served
from engine.rows import AnyRow
from engine.schema import DEFAULT_TENANT
from engine.states import JobState
from engine.work import effects, holds
from engine.work.effects import DOUBTFUL, LOCK_EXPIRED
from engine.work.filters import TO_HAND_OUT, JobFilter

if TYPE_CHECKING:
    from engine.transaction import Transaction

DEFAULT_LOCK = timedelta(minutes=5)

_j = schema.jobs.c
_i = schema.instances.c
_v = schema.variables.c
_e = schema.element_instances.c
_t = schema.tenants.c

_OF_JOB = (
    "key", "type", "instance_key", "element_instance_key", "definition_key", "process_id", "element_id", "tenant_id",
    "kind", "listener_event", "priority", "retries", "headers", "idempotency_key", "expected_by", "created_at",
    "error_message",
)
_OF_INSTANCE = ("correlation_id", "trace_parent", "business_id", "version", "root_key", "tags")
"""After those of the job, what a worker is told as it is, in the order of `ActivatedJob`."""

_DUE = (
    select(*[_j[name] for name in _OF_JOB], *[_i[name] for name in _OF_INSTANCE],
           _j.lock_token, _j.attempt, _j.error_code, _j.due_at)
    .join(schema.instances, _i.key == _j.instance_key)
    .where(TO_HAND_OUT, _j.due_at <= bindparam("now"), _j.tenant_id == bindparam("tenant_id"))
    .order_by(_j.priority.desc(), _j.due_at, _j.key).limit(bindparam("max_jobs"))
    .with_for_update(of=schema.jobs, skip_locked=True)
)
_OF_TYPE = _j.type == bindparam("type")
_OF_TYPES = _j.type.in_(bindparam("types", expanding=True))
DUE_OF_ANY_TYPE = _DUE
DUE_OF_TYPE = _DUE.where(_OF_TYPE)
DUE_OF_TYPES = _DUE.where(_OF_TYPES)
_NEAR = or_(
    _j.due_at <= bindparam("waited"),
    *(and_(_j.key >= bindparam(f"{block}_from"), _j.key < bindparam(f"{block}_to")) for block in ("older", "newer")),
)
NEAR_OF_TYPE = DUE_OF_TYPE.where(_NEAR)
NEAR_OF_TYPES = DUE_OF_TYPES.where(_NEAR)
"""Jobs that this process made, and those of others that have waited for a while: keys come in blocks for each process,
so that a key tells who made it."""

LOCK_TENANT = select(_t.id).where(_t.id == bindparam("tenant_id")).with_for_update()
HELD = select(func.count().label("held")).where(
    text("jobs.state = 'ACTIVATED'"), _j.tenant_id == bindparam("tenant_id"), _j.locked_until > bindparam("now"))

ACTIVATE = (
    update(schema.jobs).where(_j.key == bindparam("b_key"))
    .values(state=JobState.ACTIVATED.value, locked_by=bindparam("b_worker"), locked_until=bindparam("b_until"),
            lock_token=bindparam("b_lock_token"), attempt=bindparam("b_attempt"), changed_at=bindparam("b_now"),
            **effects.SEND)
)

_chain = (
    select(_e.instance_key, _e.key.label("token"), _e.key.label("scope"), literal(0).label("depth"))
    .where(_e.key.in_(bindparam("tokens", expanding=True))).cte("chain", recursive=True)
)
_chain = _chain.union_all(
    select(_chain.c.instance_key, _chain.c.token, _e.scope_key, _chain.c.depth + 1)
    .join(schema.element_instances, _e.key == _chain.c.scope)
    .where(_e.scope_key != _chain.c.scope)
)
VISIBLE = (
    select(_chain.c.token, _v.name, _v.value, _v.declared, _v.key)
    .join(schema.variables, (_v.instance_key == _chain.c.instance_key) & (_v.scope_key == _chain.c.scope))
    .order_by(_chain.c.depth.desc())
)
"""The variables that each of `tokens` sees, the outer scopes' first, so that the inner ones' replace them."""
_outer_first = (_chain.c.depth.desc(), _chain.c.token)
_first = func.row_number().over(partition_by=_v.key, order_by=_outer_first) == 1
VISIBLE_TO_MANY = (
    select(_chain.c.token, _v.name, case((_first, _v.value)).label("value"), _v.declared, _v.key)
    .join(schema.variables, (_v.instance_key == _chain.c.instance_key) & (_v.scope_key == _chain.c.scope))
    .order_by(*_outer_first)
)
"""The same for several tokens, but each value once, in the first of its rows: what a multi-instance activity goes
through is seen by all its instances, and would be read as many times."""
_NAMES: BindParameter[Any] = bindparam("names", expanding=True)
NAMED, NAMED_TO_MANY = (each.where(_v.name.in_(_NAMES)) for each in (VISIBLE, VISIBLE_TO_MANY))
"""Those of some names, for workers that say what they want: the others may be many, and large."""
NAMED_LITE, NAMED_LITE_TO_MANY = (each.where(_v.name.concat("").in_(_NAMES)) for each in (VISIBLE, VISIBLE_TO_MANY))
"""The same for SQLite, which would go by the index of names and read those of all instances. PostgreSQL knows how many
there are, and must be able to see the name: or it takes a far worse plan for many tokens."""


class ActivatedJob(msgspec.Struct, frozen=True, gc=False):
    """A job that a worker holds.

    `variables` is everything the element sees, `declared` what was said of them (engine.declared). `error_message` is
    why the last attempt failed; `lock_expired` tells that the worker that held it before never answered, `in_doubt`
    that the last call may have taken effect, for whichever reason.
    """

    key: int
    type: str
    instance_key: int
    element_instance_key: int
    definition_key: int
    process_id: str
    element_id: str
    tenant_id: str
    kind: str
    listener_event: str | None
    priority: int
    retries: int
    headers: Mapping[str, str]
    idempotency_key: str
    expected_by: datetime | None
    created_at: datetime
    error_message: str | None
    correlation_id: str
    trace_parent: str | None
    business_id: str | None
    version: int
    root_key: int
    tags: list[str] | None
    lock_token: int
    attempt: int
    worker: str
    locked_until: datetime
    variables: Mapping[str, Any]
    declared: Mapping[str, str]
    lock_expired: bool
    in_doubt: bool


_of_row: Callable[..., ActivatedJob] = ActivatedJob
"""By place and not by name, because there may be hundreds: what is told as it is comes first."""


def activate(tx: Transaction, types: Collection[str] | None, worker: str, max_jobs: int = 1,
             lock: timedelta = DEFAULT_LOCK, *, variables: Collection[str] | None = None,
             only: JobFilter | None = None, held_too: bool = False,
             partitions: Partitions | None = None, others_after: timedelta | None = None) -> list[ActivatedJob]:
    """Lock up to `max_jobs` due jobs for `worker`: every tenant that has some gets an equal share, and of each tenant
    the most urgent come first.

    `types` limits the job types (None: every type), `only` the jobs of these types, `variables` the names handed
    over (None: all), `partitions` where the jobs belong, `others_after` how long jobs that other processes made are
    left to them, who have their instances at hand (None: not at all). Jobs of suspended instances are passed over, and
    those of services that are held, unless `held_too`. Raises InvalidInput.
    """
    if max_jobs < 1 or lock <= timedelta():
        raise InvalidInput("Expected at least one job and a lock longer than nothing, but got less.")
    held = () if held_too else tuple(holds.current(tx))
    found = _due(tx, types, max_jobs, only, held, among(_j.partition_key, partitions), others_after)
    if not found:
        return []
    until = tx.now + lock
    seen, declared = _visible(tx, found, variables)
    sending, same = effects.Sending(tx), {"b_worker": worker, "b_until": until, "b_now": tx.now}
    several = tx.engine.tenants.several
    taken = []
    for *told, lock_token, attempt, error_code, due_at in found:
        type, token = told[1], told[3]
        job = _of_row(
            *told, lock_token + 1, attempt + 1, worker, until, seen.get(token, {}), declared.get(token, {}),
            error_code == LOCK_EXPIRED, error_code in DOUBTFUL,
        )
        tx.rows.write(ACTIVATE, {
            "b_key": job.key, "b_lock_token": lock_token + 1, "b_attempt": attempt + 1, **same,
            **sending.of(type, error_code, job.headers, job.variables),
        })
        waited = max(0.0, (tx.now - due_at).total_seconds())
        tx.count("jobs_handed_out", type)
        tx.observe("job_latency_seconds", waited, type)
        if several:
            tx.count("tenant_jobs_handed_out", job.tenant_id)
            tx.observe("tenant_job_latency_seconds", waited, job.tenant_id)
        taken.append(job)
    tx.announce(due_topic(until))
    return taken


def _due(tx: Transaction, types: Collection[str] | None, max_jobs: int, only: JobFilter | None,
         held: Collection[str], more: Sequence[ColumnElement[bool]],
         others_after: timedelta | None) -> Sequence[AnyRow]:
    if held and types is not None:
        # Left out here, so that no amount of held jobs is in the way of the others.
        types = [type for type in types if type not in held]
        if not types:
            return []
    what: dict[str, Any] = {"now": tx.now, "max_jobs": max_jobs, "tenant_id": DEFAULT_TENANT}
    statement, further = DUE_OF_ANY_TYPE, list(more)
    near = others_after is not None
    if types is not None and len(types) == 1:
        statement, what["type"] = NEAR_OF_TYPE if near else DUE_OF_TYPE, next(iter(types))
    elif types is not None:
        statement, what["types"] = NEAR_OF_TYPES if near else DUE_OF_TYPES, list(types)
    elif held:
        further.append(_j.type.not_in(held))
    if others_after is not None:
        older, newer = tx.engine.keys.blocks
        what |= {"waited": tx.now - others_after, "older_from": older[0], "older_to": older[1],
                 "newer_from": newer[0], "newer_to": newer[1]}
    if only is not None:
        further += only.conditions()
    further += permits.among(tx, _j.process_id, _j.tenant_id)
    if further:
        statement = statement.where(*further)
    if not tx.engine.tenants.several:
        if DEFAULT_TENANT in tx.engine.tenants.jobs_at_once:
            what["max_jobs"] = min(max_jobs, _room(tx, DEFAULT_TENANT))
        return tx.select(statement, what) if what["max_jobs"] > 0 else []
    return _shared(tx, statement, frozenset(types or ()), what, further)


def _shared(tx: Transaction, statement: Select[Any], types: frozenset[str], what: dict[str, Any],
            further: Sequence[ColumnElement[bool]]) -> Sequence[AnyRow]:
    """Jobs of every tenant that has some, in equal shares: how many one has is not felt by the others."""
    known = sorted(types)
    of_types: list[tuple[ColumnElement[bool], ...]] = [(_j.type == bindparam(f"type_{n}"),) for n in range(len(known))]
    of_each = {f"type_{n}": type for n, type in enumerate(known)}
    waiting = select(_t.id).where(or_(*(_is_any(*each, *further) for each in of_types or [()])))
    seen: list[int] = []
    room: dict[str, int] = {}
    taken: Counter[str] = Counter()

    def take(tenant_id: str, count: int) -> Sequence[AnyRow]:
        if tenant_id in tx.engine.tenants.jobs_at_once:
            if tenant_id not in room:
                room[tenant_id] = _room(tx, tenant_id)
            count = min(count, room[tenant_id] - taken[tenant_id])
            if count < 1:
                return []
        mine = statement.where(_j.key.not_in(seen)) if seen else statement
        found = tx.select(mine, what | {"tenant_id": tenant_id, "max_jobs": count})
        seen.extend(job.key for job in found)
        taken[tenant_id] += len(found)
        return found

    ids = [row.id for row in tx.select(waiting, {"now": tx.now, **of_each})]
    return served(tx.engine.tenants.turns(types), ids, what["max_jobs"], take)


def _room(tx: Transaction, tenant_id: str) -> int:
    """How many more jobs of a tenant workers may have, on all nodes together: one node looks at a time."""
    tx.select(LOCK_TENANT, {"tenant_id": tenant_id})
    held = tx.select(HELD, {"tenant_id": tenant_id, "now": tx.now})
    return tx.engine.tenants.jobs_at_once[tenant_id] - int(held[0].held)


def _is_any(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether a tenant has a job that is due and fulfils all conditions, by one look into the index.

    Neither EXISTS, of which PostgreSQL makes a join, nor without an order, for which it may read the table: both would
    read the whole flood.
    """
    return (
        select(_j.key).where(TO_HAND_OUT, _j.due_at <= bindparam("now"), _j.tenant_id == _t.id, *conditions)
        .order_by(_j.priority.desc(), _j.due_at, _j.key).limit(1).correlate(schema.tenants).scalar_subquery()
    ).is_not(None)


def _visible(tx: Transaction, found: Sequence[AnyRow],
             names: Collection[str] | None) -> tuple[dict[int, dict[str, Any]], dict[int, dict[str, str]]]:
    """What each token sees, and what was declared of it. Values that several see are the same objects."""
    seen: dict[int, dict[str, Any]] = {job.element_instance_key: {} for job in found}
    said: dict[int, dict[str, str]] = {}
    once: dict[int, Any] = {}
    if names is None:
        rows = tx.select(VISIBLE_TO_MANY if len(seen) > 1 else VISIBLE, {"tokens": list(seen)})
    elif names:
        one, many = (NAMED_LITE, NAMED_LITE_TO_MANY) if tx.engine.database.is_sqlite else (NAMED, NAMED_TO_MANY)
        rows = tx.select(many if len(seen) > 1 else one, {"tokens": list(seen), "names": sorted(names)})
    else:
        return seen, said
    for token, name, value, declared, key in rows:
        if value is None:
            value = once.get(key)
        else:
            once[key] = value
        seen[token][name] = value
        if declared is not None:
            said.setdefault(token, {})[name] = declared
        elif token in said:
            said[token].pop(name, None)
    return seen, said

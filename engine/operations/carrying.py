"""Carries out operations: each item in one transaction with its outcome, so that it is done once, whoever dies.

Who takes an item holds its row locked until the commit. A node that is killed lets go of it with its connection, and
nothing of the item was done; another one takes it. Afterwards what came of an item is watched.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import RowMapping, and_, bindparam, exists, or_, select, update

from engine import live as lives
from engine import schema
from engine.errors import NotFound, Rejection, Unavailable
from engine.operations import freezing, plans, trial
from engine.operations.deed import Deed
from engine.operations.deeds import deed_of
from engine.operations.plans import ItemState, OperationState
from engine.rows import AnyRow
from engine.states import InstanceState, JobState
from engine.work import holds

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.transaction import Transaction

BATCH = 25
"""How many items of one operation are taken before the next operation has its turn."""
LANES = 8
"""How many items are handed in at once on SQLite, whose commits cost more than the items."""
UNTAKEN = timedelta(seconds=60)
"""How long a worker may leave a job alone until the item counts as not started."""
LONGEST = timedelta(hours=1)
"""How long an item is watched whose job is at work all the time."""
SOON = timedelta(seconds=1)
FARTHEST = timedelta(seconds=30)

_o, _m, _j = schema.operations.c, schema.operation_items.c, schema.jobs.c
UNFINISHED = select(_o.key, _o.state, _o.applied_by).where(
    _o.ended_at.is_(None), _o.state.in_([
        OperationState.FREEZING.value, OperationState.PLANNING.value, OperationState.RUNNING.value])
).order_by(_o.key)
NEXT = select(_m.key).where(_m.operation_key == bindparam("key"), _m.state == ItemState.PLANNED.value).order_by(
    _m.position).limit(BATCH)
TAKE = (
    select(*schema.operation_items.c, _o.kind, _o.parameters, _o.reason)
    .join(schema.operations, _o.key == _m.operation_key)
    .where(_m.key == bindparam("key"), _m.state == ItemState.PLANNED.value, _o.state == OperationState.RUNNING.value)
    .with_for_update(of=schema.operation_items, skip_locked=True)
)
DUE = select(_m.key).where(_m.check_at <= bindparam("now")).order_by(_m.check_at).limit(BATCH)
WATCHED = (
    select(schema.operation_items).where(_m.key == bindparam("key"), _m.state == ItemState.WATCHING.value)
    .with_for_update(skip_locked=True)
)
SETTLE = update(schema.operation_items).where(_m.key == bindparam("b_key")).values(
    state=bindparam("b_state"), sentence=bindparam("b_sentence"), started_at=bindparam("b_started"),
    check_at=bindparam("b_check"), ended_at=bindparam("b_ended"), result=bindparam("b_result"))
FINISH = (
    update(schema.operations)
    .where(_o.key == bindparam("b_key"), _o.state == OperationState.RUNNING.value,
           ~exists().where(_m.operation_key == _o.key, _m.state.in_([
               ItemState.PLANNED.value, ItemState.WATCHING.value])))
    .values(state=OperationState.DONE.value, ended_at=bindparam("b_now"))
)
SOMETHING = UNFINISHED.limit(1)
JOBS = select(_j.key, _j.state, _j.type, _j.sent_at, _j.ended_at, _j.created_at).where(
    _j.instance_key == bindparam("instance"),
    or_(_j.key.in_(bindparam("keys", expanding=True)),
        and_(_j.created_at == bindparam("at"), _j.key.not_in(bindparam("known", expanding=True)))))
OPEN_JOBS = select(_j.key).where(_j.instance_key == bindparam("key"), _j.ended_at.is_(None)).limit(1000)
CHANGED = "It changed after it was planned: {}"

logger = structlog.get_logger(__name__)


def work(engine: Engine) -> int:
    """Do a part of what operations want: write down and judge plans, carry out items, watch them; how much that was."""
    with engine.read() as connection:
        operations = connection.execute(UNFINISHED).all()
    done = 0
    for row in operations:
        if row.state == OperationState.FREEZING:
            done += engine.execute(freezing.go_on, row.key)
        elif row.state == OperationState.PLANNING:
            done += engine.execute(plans.judge, row.key)
        else:
            done += _carry_on(engine.acting_as(row.applied_by), row.key)
    return done + watch(engine)


def has_work(engine: Engine) -> bool:
    """Whether an operation is under way."""
    with engine.read() as connection:
        return connection.execute(SOMETHING).first() is not None


def _carry_on(engine: Engine, operation: int) -> int:
    with engine.read() as connection:
        keys = list(connection.scalars(NEXT, {"key": operation}))
    # Other nodes are at it, too; each begins elsewhere.
    random.shuffle(keys)
    if engine.database.is_sqlite and len(keys) > 1:
        # Those that wait for the one writer share a commit, each in a savepoint of its own (engine.grouping).
        with ThreadPoolExecutor(LANES) as pool:
            list(pool.map(partial(carry_out, engine), keys))
    else:
        for key in keys:
            carry_out(engine, key)
    if not keys:
        engine.execute(finish, operation)
    return len(keys)


def carry_out(engine: Engine, key: int) -> None:
    """Do one item, if nobody else does."""
    try:
        engine.execute(perform, key)
    except Unavailable:
        raise
    except Rejection as error:
        engine.execute(refuse, key, f"It was refused: {error}")
    except Exception:
        logger.exception("an item of an operation failed", item_key=key)
        engine.execute(refuse, key, "It failed for a fault in Partitur, and nothing was changed. The log says more.")


def perform(tx: Transaction, key: int) -> bool:
    """Do one item and write down what came of it; False if somebody else does, or it is not to be done any more.

    Raises what the deed's command raises; then nothing was done.
    """
    item = tx.first(TAKE, {"key": key})
    if item is None:
        return False
    deed = deed_of(item.kind, item.parameters)
    tx.operation_key = item.operation_key
    if item.instance_key is None:
        deed.do(tx, 0, item.reason)
        _settle(tx, item, ItemState.FIXED, "Done.")
        return True
    try:
        row = lives.locked(tx, item.instance_key)
    except NotFound:
        _settle(tx, item, ItemState.SKIPPED, CHANGED.format("it is gone, its history was kept long enough."))
        return True
    tx.instance_rows[item.instance_key] = row
    now = trial.state_of(tx.connection, row)
    if now["revision"] != item.expected["revision"] or now["suspended"] != item.expected["suspended"]:
        _settle(tx, item, ItemState.SKIPPED, CHANGED.format(_difference(item.expected, now, tx, row)))
        return True
    _do(tx, deed, item)
    return True


def _do(tx: Transaction, deed: Deed, item: AnyRow) -> None:
    incidents = [row.key for row in tx.connection.execute(trial.FAILURES, {"key": item.instance_key})]
    jobs = list(tx.connection.scalars(OPEN_JOBS, {"key": item.instance_key}))
    done = deed.do(tx, item.instance_key, item.reason)
    if deed.settles:
        _settle(tx, item, ItemState.FIXED, "Done.")
        return
    result: dict[str, Any] = {"jobs": [str(job) for job in done.jobs], "knownIncidents": [str(k) for k in incidents],
                              "knownJobs": [str(job) for job in jobs]}
    if done.made is not None:
        result["made"] = str(done.made)
    _settle(tx, item, ItemState.WATCHING, None, check_at=tx.now, result=result)


def _difference(before: dict[str, Any], now: dict[str, Any], tx: Transaction, row: RowMapping) -> str:
    if now["state"] != before["state"]:
        return f"it {'completed' if now['state'] == InstanceState.COMPLETED else 'was cancelled'}."
    if now["suspended"] != before["suspended"]:
        return "it was suspended." if now["suspended"] else "it was resumed."
    names = trial.names_of(tx, row["instance_definition_key"])

    def told(places: list[str]) -> str:
        return ", ".join(names.get(id, id) for id in places) or "nowhere"

    if now["places"] != before["places"]:
        return f"it was at {told(before['places'])}, and is at {told(now['places'])}."
    return "something happened to it."


def refuse(tx: Transaction, key: int, sentence: str) -> None:
    """Write down that an item could not be done, unless somebody did it meanwhile."""
    item = tx.first(TAKE, {"key": key})
    if item is not None:
        _settle(tx, item, ItemState.NOT_STARTED, sentence)


def _settle(tx: Transaction, item: AnyRow, state: ItemState, sentence: str | None, *,
            check_at: datetime | None = None, result: dict[str, Any] | None = None) -> None:
    tx.rows.write(SETTLE, {
        "b_key": item.key, "b_state": state, "b_sentence": sentence, "b_started": item.started_at or tx.now,
        "b_check": check_at, "b_ended": None if state is ItemState.WATCHING else tx.now,
        "b_result": item.result if result is None else result,
    })


def finish(tx: Transaction, key: int) -> None:
    """An operation is done when each of its items has its outcome, and none is watched any more."""
    tx.rows.flush()
    tx.connection.execute(FINISH, {"b_key": key, "b_now": tx.now})


def watch(engine: Engine) -> int:
    """Look at items that were done a while ago; how many have their outcome now."""
    with engine.read() as connection:
        keys = connection.scalars(DUE, {"now": engine.clock()}).all()
    return sum(engine.execute(verify, key) for key in keys)


def verify(tx: Transaction, key: int) -> bool:
    """See what came of one item; whether that is certain now."""
    item = tx.first(WATCHED, {"key": key})
    if item is None:
        return False
    outcome = _outcome(tx, item)
    if outcome is None:
        passed = tx.now - item.started_at
        _settle(tx, item, ItemState.WATCHING, None, check_at=tx.now + min(max(passed / 2, SOON), FARTHEST))
        return False
    _settle(tx, item, *outcome)
    return True


def _outcome(tx: Transaction, item: AnyRow) -> tuple[ItemState, str] | None:
    """What became of an item, and a sentence about it; None if that is not certain yet."""
    result: dict[str, Any] = item.result
    made = result.get("made")
    key = int(made) if made else item.instance_key
    known = {int(each) for each in result["knownIncidents"]}
    now = tx.first(trial.STATE, {"key": key})
    if now is None:
        return ItemState.FIXED, "It ended, and its history was kept long enough."
    names = trial.names_of(tx, now.definition_key)
    for row in tx.select(trial.FAILURES, {"key": key}):
        if row.key not in known:
            return (ItemState.FAILED_AGAIN,
                    f"Failed again at {names.get(row.element_id, row.element_id)}: {row.message[:500]}")
    where = _where(tx, key, now.state, names) + (f" It goes on as instance {made}." if made else "")
    jobs = tx.select(JOBS, {"instance": key, "keys": [int(each) for each in result["jobs"]], "at": item.started_at,
                            "known": [int(each) for each in result["knownJobs"]]})
    still = [job for job in jobs if job.ended_at is None]
    if not still:
        return ItemState.FIXED, where
    untaken = [job for job in still if job.state == JobState.CREATED
               and (job.sent_at is None or job.sent_at <= item.started_at)]
    passed = tx.now - item.started_at
    if untaken and passed >= UNTAKEN:
        return ItemState.NOT_STARTED, _why_untaken(tx, untaken[0].type, suspended=now.suspended_at is not None)
    if passed >= LONGEST:
        return ItemState.FIXED, f"It did not fail again within {LONGEST // timedelta(minutes=1)} minutes. {where}"
    return None


def _where(tx: Transaction, key: int, state: str, names: Mapping[str, str]) -> str:
    if state != InstanceState.ACTIVE:
        return "It completed." if state == InstanceState.COMPLETED else "It was cancelled."
    places = [names.get(id, id) for id in tx.connection.scalars(trial.AT, {"key": key})]
    return f"It is at {', '.join(places)}." if places else "It goes on."


def _why_untaken(tx: Transaction, service: str, *, suspended: bool) -> str:
    if suspended:
        return "The instance is suspended: resume it, then its job is handed out."
    held = holds.current(tx).get(service)
    if held is not None:
        return f"Service {service} is held by {held.held_by}: release it, then the job is handed out."
    return (f"No worker asks for jobs of {service}: it waits for {UNTAKEN // timedelta(seconds=1)} seconds. Start a "
            f"worker that has this service.")

"""Plan → apply → verify: what operators do to many instances, or to one.

A plan freezes the instances that a filter lets through at one moment, and finds out for each what would change. When it
is applied, each instance is one transaction (`engine.operations.carrying`), in the background, on any node.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import RowMapping, bindparam, delete, func, select, update

from engine import audit, guard, permits, schema
from engine.approvals import asking
from engine.errors import InvalidInput, NotAllowed, NotFound, WrongState
from engine.operations import trial
from engine.operations.deed import Deed
from engine.operations.deeds import deed_of, parameters_of
from engine.operations.trial import Judged
from engine.queries import instances as found
from engine.queries.instances import InstanceFilter
from engine.rows import AnyRow

if TYPE_CHECKING:
    from engine.transaction import Transaction

MOST = 100_000
"""How many instances one operation may have."""
TOPIC = "operations"
"""Announced when there is something to do in the background."""
SLICE = 20
"""How many instances are judged in one transaction: it holds their locks meanwhile."""
INSERTED = 5_000


Item = tuple[int | None, str | None]
"""The key of an instance and what people call it; for a service: none, and its name."""


class OperationState(StrEnum):
    """An operation."""

    FREEZING = "FREEZING"  # its instances are written down, a part at a time (engine.operations.freezing)
    PLANNING = "PLANNING"  # it is found out what would change
    PLANNED = "PLANNED"  # it waits for somebody to apply it
    WAITING = "WAITING"  # it was applied; another person has to approve it
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    STOPPED = "STOPPED"  # before all was done
    DONE = "DONE"  # each item has its outcome


class ItemState(StrEnum):
    """One instance of an operation; the last five are outcomes."""

    FROZEN = "FROZEN"  # nobody looked at it yet
    PLANNED = "PLANNED"
    BLOCKED = "BLOCKED"  # it cannot be done, the sentence says why
    WATCHING = "WATCHING"  # it was done; what comes of it is watched
    FIXED = "FIXED"
    FAILED_AGAIN = "FAILED_AGAIN"
    SKIPPED = "SKIPPED"  # it changed after it was planned
    NOT_STARTED = "NOT_STARTED"


OUTCOMES = (ItemState.FIXED, ItemState.FAILED_AGAIN, ItemState.SKIPPED, ItemState.NOT_STARTED)
OPEN = {OperationState.FREEZING, OperationState.PLANNING, OperationState.PLANNED}
TO_STOP = {*OPEN, OperationState.WAITING, OperationState.RUNNING, OperationState.PAUSED}

_o, _m, _i = schema.operations.c, schema.operation_items.c, schema.instances.c
BY_KEY = select(schema.operations).where(_o.key == bindparam("key")).with_for_update()
FROZEN = (
    select(schema.operation_items)
    .where(_m.operation_key == bindparam("key"), _m.state == ItemState.FROZEN.value)
    .order_by(_m.position).limit(SLICE).with_for_update(skip_locked=True)
)
LEFT = select(func.count()).where(_m.operation_key == bindparam("key"), _m.state == ItemState.FROZEN.value)
JUDGED = update(schema.operation_items).where(_m.key == bindparam("b_key")).values(
    state=bindparam("b_state"), expected=bindparam("b_expected"), changes=bindparam("b_changes"),
    effects=bindparam("b_effects"), risky=bindparam("b_risky"), sentence=bindparam("b_sentence"))
SEEN = update(schema.operation_items).where(_m.key == bindparam("b_key")).values(expected=bindparam("b_expected"))
MOVE = update(schema.operations).where(_o.key == bindparam("b_key"))
REST = update(schema.operation_items).where(_m.operation_key == bindparam("b_operation"))
RISKS = select(func.count()).where(_m.operation_key == bindparam("key"), _m.risky, _m.state == ItemState.PLANNED.value)
READY = select(func.count()).where(_m.operation_key == bindparam("key"), _m.state == ItemState.PLANNED.value)
AGAIN = (
    select(_m.instance_key, _m.label)
    .where(_m.operation_key == bindparam("key"), _m.state.in_(bindparam("states", expanding=True)),
           _m.instance_key.is_not(None))
    .order_by(_m.position)
)


def plan(tx: Transaction, kind: str, parameters: Mapping[str, Any], filter: InstanceFilter | None = None, *,
         query: str = "", most: int = MOST) -> int:
    """Freeze the instances that a filter lets through, for a deed of this kind; the key of the operation.

    `query` is the filter as the address of the list has it. Kinds that are about a service have no filter. Nothing is
    done yet; `judge` finds out what each instance would be like. If there are more than `most`, they are put aside in
    parts of that size, to be written down one by one (`engine.operations.freezing`). Audited. Raises InvalidInput
    (unknown kind, wrong parameters, no instance, too many); NotFound.
    """
    deed = deed_of(kind, parameters)
    _check_permitted(tx, deed)
    deed.check(tx)
    if not deed.on_instances:
        items: list[Item] = [(None, str(deed.service))]    # type: ignore[attr-defined]
    elif filter is None:
        raise InvalidInput("Expected a filter or keys that say which instances are meant, but there is none.")
    else:
        items = _matching(tx, filter)
    return _write(tx, kind, deed, items, query, most=most)


def plan_again(tx: Transaction, key: int, states: Sequence[str] = (ItemState.FAILED_AGAIN, ItemState.NOT_STARTED), *,
               most: int = MOST) -> int:
    """A new plan for the items of an operation that ended in one of these states; its key.

    Audited. Raises NotFound; WrongState if there is none.
    """
    before = get(tx, key)
    wanted = [ItemState(state).value for state in states]
    rows = tx.select(AGAIN, {"key": key, "states": wanted})
    if not rows:
        raise WrongState("Expected items that failed again or were not started, but there is none.")
    items: list[Item] = [(row.instance_key, row.label) for row in rows]
    deed = deed_of(before["kind"], before["parameters"])
    return _write(tx, before["kind"], deed, items, "", repeats_key=key, most=most)


def _matching(tx: Transaction, filter: InstanceFilter) -> list[Item]:
    tx.rows.flush()
    matching = select(_i.key, _i.business_id).where(
        *found.where(filter, tx.now, tx.connection), *permits.among(tx, _i.process_id, _i.tenant_id))
    rows = tx.connection.execute(matching.order_by(_i.key).limit(MOST + 1)).all()
    if not rows:
        raise InvalidInput("Expected instances to plan for, but the filter lets none through any more.")
    if len(rows) > MOST:
        raise InvalidInput(f"Expected at most {MOST:,} instances in one operation, but the filter lets more through. "
                           f"Narrow it, by a version or the time of the start, say.")
    return [(row.key, row.business_id) for row in rows]


def _check_permitted(tx: Transaction, deed: Deed) -> None:
    if tx.allowed is not None and not deed.on_instances:
        raise NotAllowed("Expected to be allowed to operate on everything, for a service is called by all processes, "
                         f"but {tx.actor!r} may operate on some of it.")
    target: int | None = getattr(deed, "definition_key", None)
    if target is not None:
        permits.check_definition(tx, "move instances to", target)


def _write(tx: Transaction, kind: str, deed: Deed, items: Sequence[Item], query: str, *,
           repeats_key: int | None = None, most: int = MOST) -> int:
    key = tx.key()
    in_parts = len(items) > most
    tx.rows.insert(schema.operations, {
        "key": key, "kind": kind, "parameters": parameters_of(deed), "filter": query, "author": tx.actor,
        "state": OperationState.FREEZING if in_parts else OperationState.PLANNING, "total": len(items),
        "repeats_key": repeats_key, "reason": None, "applied_by": None, "planned_at": tx.now, "applied_at": None,
        "ended_at": None,
    })
    audit.record(tx, "PLAN", "OPERATION", key, details={"kind": kind, "instances": len(items), "filter": query},
                 after={"state": OperationState.PLANNING})
    if in_parts:
        for position in range(0, len(items), most):
            tx.rows.insert(schema.operation_parts, {
                "key": tx.key(), "operation_key": key, "position": position, "items": items[position:position + most]})
        tx.rows.flush()
    else:
        write_items(tx, key, 0, items)
    tx.announce(TOPIC)
    return key


def write_items(tx: Transaction, key: int, first: int, items: Sequence[Item]) -> None:
    """Write down items of an operation, `first` being the position of the first one."""
    for part in range(0, len(items), INSERTED):
        for position, (instance_key, label) in enumerate(items[part:part + INSERTED], first + part):
            item = tx.key()
            tx.rows.insert(schema.operation_items, {
                "key": item, "operation_key": key, "position": position, "instance_key": instance_key, "label": label,
                "state": ItemState.FROZEN, "expected": {}, "changes": [], "effects": [], "risky": False,
                "sentence": None, "result": {}, "started_at": None, "check_at": None, "ended_at": None,
            })
        tx.rows.flush()


def frozen(tx: Transaction, key: int) -> None:
    """All items of an operation are written down: it can be found out what would change."""
    tx.rows.flush()
    tx.connection.execute(MOVE.values(state=OperationState.PLANNING.value), {"b_key": key})
    tx.announce(TOPIC)


def get(tx: Transaction, key: int) -> RowMapping:
    """The row of an operation, locked. Raises NotFound."""
    row = tx.first(BY_KEY, {"key": key})
    if row is None:
        raise NotFound(f"Expected to find an operation with key {key}, but there is none.")
    return row._mapping


def judge(tx: Transaction, key: int) -> int:
    """Find out of some items of a plan what would change; how many that were, 0 when the plan is ready.

    Any number of nodes may do so at once.
    """
    # Not locked: others judge their items at the same time.
    row = tx.first(select(schema.operations).where(_o.key == key))
    if row is None or row.state != OperationState.PLANNING:
        return 0
    deed = deed_of(row.kind, row.parameters)
    items = tx.select(FROZEN, {"key": key})
    for item in items:
        _judge_item(tx, deed, item)
    if not items:
        _ready(tx, key)
    return len(items)


def _judge_item(tx: Transaction, deed: Deed, item: AnyRow) -> Judged:
    judged = trial.judge_service(tx, deed, item.label) if item.instance_key is None \
        else trial.judge(tx, deed, item.instance_key)
    tx.rows.write(JUDGED, {
        "b_key": item.key, "b_state": ItemState.PLANNED if judged.obstacle is None else ItemState.BLOCKED,
        "b_expected": judged.expected, "b_changes": judged.changes, "b_effects": judged.effects,
        "b_risky": judged.risky, "b_sentence": judged.obstacle,
    })
    return judged


def plan_one(tx: Transaction, kind: str, parameters: Mapping[str, Any], item: Item, *,
             seen: int | None = None) -> tuple[int, int]:
    """A plan for one instance (or service) that is ready; the keys of the operation and of its item.

    `seen`: the revision of the instance that somebody looked at before. Audited. Raises what the deed would raise.
    """
    deed = deed_of(kind, parameters)
    _check_permitted(tx, deed)
    if item[0] is not None:
        permits.check_instance(tx, "change", item[0])
    deed.check(tx)
    key = _write(tx, kind, deed, [item], "")
    [row] = tx.select(FROZEN, {"key": key})
    judged = _judge_item(tx, deed, row)
    if judged.refusal is not None:
        raise judged.refusal
    if seen is not None and seen != judged.expected.get("revision"):
        tx.rows.flush()
        tx.connection.execute(SEEN, {"b_key": row.key, "b_expected": {**judged.expected, "revision": seen}})
    tx.rows.flush()
    _ready(tx, key)
    return key, row.key


def _ready(tx: Transaction, key: int) -> None:
    """All items are judged, unless another node still is at some."""
    if get(tx, key)["state"] == OperationState.PLANNING and not tx.connection.scalar(LEFT, {"key": key}):
        tx.connection.execute(MOVE.values(state=OperationState.PLANNED.value), {"b_key": key})


def needs_consent(tx: Transaction, key: int, kind: str, parameters: Mapping[str, Any]) -> bool:
    """Whether applying takes more than a reason: it cannot be taken back, or a service would act twice."""
    return deed_of(kind, parameters).final or bool(tx.connection.scalar(RISKS, {"key": key}))


def apply(tx: Transaction, key: int, reason: str, *, consent: bool = False) -> None:
    """Let a plan be carried out in the background, once another person approved it where that is needed. What cannot
    be done is *not started*.

    `consent`: whoever applies knows that it cannot be taken back, or that services may act twice. Audited. Raises
    NotFound; InvalidInput (no reason, no consent where it is needed); WrongState (not planned, nothing to do).
    """
    why = guard.reason_given(reason, "apply an operation")
    row = get(tx, key)
    if row["state"] in (OperationState.FREEZING, OperationState.PLANNING):
        raise WrongState("Expected a plan that is ready, but it is still found out what would change. Wait a moment.")
    _expect(row, {OperationState.PLANNED}, "planned")
    if not tx.connection.scalar(READY, {"key": key}):
        raise WrongState("Expected at least one item that can be done, but there is none: the plan says why.")
    if not consent and needs_consent(tx, key, row["kind"], row["parameters"]):
        raise InvalidInput("Expected your word that you know what you are doing, because this cannot be taken back or "
                           "a service may act twice, but it was not given.")
    waits = asking.operation(tx, row, why)
    tx.connection.execute(MOVE.values(state=OperationState.WAITING.value, reason=why, applied_by=tx.actor),
                          {"b_key": key})
    audit.record(tx, "APPLY", "OPERATION", key, reason=why, details={"kind": row["kind"], "items": row["total"]},
                 before={"state": row["state"]},
                 after={"state": OperationState.WAITING if waits else OperationState.RUNNING})
    if not waits:
        begin(tx, key)


def begin(tx: Transaction, key: int) -> None:
    """Let an operation that was applied, and approved where that is needed, be carried out in the background."""
    tx.connection.execute(MOVE.values(state=OperationState.RUNNING.value, applied_at=tx.now), {"b_key": key})
    tx.connection.execute(
        REST.where(_m.state == ItemState.BLOCKED.value)
        .values(state=ItemState.NOT_STARTED.value, ended_at=tx.now), {"b_operation": key})
    tx.announce(TOPIC)


def pause(tx: Transaction, key: int, reason: str) -> None:
    """Begin no more items of an operation until it goes on. Audited. Raises NotFound, InvalidInput, WrongState."""
    _move(tx, key, reason, "PAUSE", {OperationState.RUNNING}, "running", OperationState.PAUSED)


def go_on(tx: Transaction, key: int, reason: str) -> None:
    """Let a paused operation go on. Audited. Raises NotFound, InvalidInput, WrongState."""
    _move(tx, key, reason, "GO_ON", {OperationState.PAUSED}, "paused", OperationState.RUNNING)


def stop(tx: Transaction, key: int, reason: str) -> None:
    """Begin no more items of an operation, for good; a plan is withdrawn. What was begun stays as it is, and is
    watched. Audited. Raises NotFound, InvalidInput, WrongState."""
    _move(tx, key, reason, "STOP", TO_STOP, "planned, running or paused", OperationState.STOPPED)
    asking.close(tx, key, reason)
    give_up(tx, key, f"The operation was stopped by {tx.actor} before its turn.")


def give_up(tx: Transaction, key: int, sentence: str) -> None:
    """Begin no more items of an operation, for good; `sentence` says why."""
    waiting = [ItemState.FROZEN.value, ItemState.PLANNED.value, ItemState.BLOCKED.value]
    tx.connection.execute(
        REST.where(_m.state.in_(waiting)).values(
            sentence=func.coalesce(_m.sentence, sentence),
            state=ItemState.NOT_STARTED.value, ended_at=tx.now), {"b_operation": key})
    tx.connection.execute(delete(schema.operation_parts).where(schema.operation_parts.c.operation_key == key))
    tx.connection.execute(MOVE.values(state=OperationState.STOPPED.value, ended_at=tx.now), {"b_key": key})


def _move(tx: Transaction, key: int, reason: str, operation: str, before: Iterable[OperationState], word: str,
          after: OperationState) -> None:
    why = guard.reason_given(reason, f"{operation.lower().replace('_', ' ')} an operation")
    row = get(tx, key)
    _expect(row, before, word)
    tx.connection.execute(MOVE.values(state=after.value), {"b_key": key})
    audit.record(tx, operation, "OPERATION", key, reason=why, details={"kind": row["kind"]},
                 before={"state": row["state"]}, after={"state": after})
    tx.announce(TOPIC)


def _expect(row: RowMapping, states: Iterable[OperationState], word: str) -> None:
    if row["state"] not in set(states):
        raise WrongState(f"Expected operation {row['key']} to be {word}, but it is {row['state'].lower()}.")

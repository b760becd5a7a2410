"""Instances in memory: restored from their row, run, saved again, and kept for the next transaction."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    RowMapping,
    Select,
    Table,
    Text,
    and_,
    bindparam,
    cast,
    delete,
    func,
    insert,
    select,
    true,
    update,
)

from bpmn.interpreter import Execution
from engine import guard, schema
from engine.columns import UtcDateTime, to_json
from engine.database import Upsert
from engine.errors import InvalidInput, NotFound
from engine.programs import Definition
from engine.states import IncidentState, InstanceState

if TYPE_CHECKING:
    from engine.transaction import Transaction

CAPACITY = 2_000
POSITIONS = 24
"""Bits for the position of a history row within its transaction."""

LOOKUP_LENGTH = 64

_i = schema.instances.c
_v = schema.variables.c

INSTANCE = select(*[column.label(f"instance_{column.name}") for column in schema.instances.c])
BY_KEY = INSTANCE.where(_i.key == bindparam("key")).with_for_update()
BY_KEY_AT_ONCE = INSTANCE.where(_i.key == bindparam("key")).with_for_update(nowait=True)


def locked_instances(keys: Any) -> Select[Any]:
    """The rows of the instances with these keys, locked in the order in which everybody locks several."""
    return INSTANCE.where(_i.key.in_(keys)).order_by(_i.depth, _i.key).with_for_update()


LOCK = locked_instances(bindparam("keys", expanding=True))
VARIABLES = select(_v.scope_key, _v.name, _v.value).where(_v.instance_key == bindparam("key"), ~_v.ended)

SAVE = (
    update(schema.instances).where(_i.key == bindparam("b_key"))
    .values(state=bindparam("b_state"), tokens=bindparam("b_tokens"), revision=bindparam("b_revision"),
            steps=bindparam("b_steps"), ended_at=bindparam("b_ended_at"), end_reason=bindparam("b_end_reason"))
)
COUNT_INCIDENTS = (
    update(schema.instances).where(_i.key == bindparam("b_key"))
    .values(incident_count=select(func.count()).select_from(schema.incidents)
            .where(schema.incidents.c.instance_key == bindparam("b_key"),
                   schema.incidents.c.state == IncidentState.ACTIVE).scalar_subquery())
)
SAVE_VARIABLE = Upsert(
    schema.variables, ["instance_key", "scope_key", "name"], ["value", "declared", "lookup", "changed_at", "ended"]
)
_ONE_VARIABLE = (
    _v.instance_key == bindparam("b_key"), _v.scope_key == bindparam("b_scope"), _v.name == bindparam("b_name"),
)
REMOVE_VARIABLE = delete(schema.variables).where(*_ONE_VARIABLE)
KEEP_REMOVED = insert(schema.variable_history).from_select(
    ["key", "instance_key", "scope_key", "name", "value", "revision", "replaced_at", "replaced_by", "removed",
     "created_revision", "created_at", "created_by"],
    select(cast(bindparam("b_new_key"), BigInteger), _v.instance_key, _v.scope_key, _v.name, _v.value,
           cast(bindparam("b_revision"), Integer), cast(bindparam("b_at", type_=UtcDateTime()), UtcDateTime()),
           cast(bindparam("b_by"), Text), true(), _v.created_revision, _v.created_at, _v.created_by)
    .where(*_ONE_VARIABLE),
)
COUNTERS = frozenset({
    "loopCounter", "nrOfInstances", "nrOfActiveInstances", "nrOfCompletedInstances", "numberOfInstances",
    "numberOfActiveInstances", "numberOfCompletedInstances", "numberOfTerminatedInstances",
})
"""What a multi-instance activity counts for itself changes with each of its instances: it is told by their history."""
END_SCOPE = (
    update(schema.variables).where(_v.instance_key == bindparam("b_key"), _v.scope_key == bindparam("b_scope"))
    .values(ended=True)
)

DROP_DEFERRED = delete(schema.deferred).where(schema.deferred.c.instance_key == bindparam("b_key"))


def joined_instance(table: Table) -> Select[Any]:
    """The rows of `table`, each together with its instance's, whose columns are called `instance_…`."""
    return INSTANCE.add_columns(*table.c).join(table, table.c.instance_key == _i.key)


def with_instance(table: Table) -> Select[Any]:
    """The row of `table` with key `key` together with its instance's, both locked, the instance first.

    Every command locks the instance before anything that belongs to it, so that two of them cannot each hold what
    the other one wants.
    """
    return joined_instance(table).where(table.c.key == bindparam("key")).with_for_update()


@dataclass(slots=True)
class Live:
    """One instance in memory."""

    key: int
    definition: Definition
    run: Execution
    tenant_id: str
    business_id: str | None
    parent_key: int | None
    parent_token: int | None
    root_key: int
    partition_key: int
    correlation_id: str
    trace_parent: str | None
    message_key: str | None = None
    depth: int = 0
    state: InstanceState = InstanceState.ACTIVE
    suspended_at: datetime | None = None
    revision: int = 0
    steps: int = 0
    """How far it has moved since it last waited, if it was saved on the move."""
    position: int = 0
    end_reason: str | None = None
    incidents_changed: bool = False
    tokens: dict[int, str] = field(default_factory=dict)
    """What is known of the open tokens: key → element id."""
    closed: set[int] = field(default_factory=set)
    """Tokens whose waits were closed in this transaction."""

    def facts(self) -> dict[str, Any]:
        """What expressions of Camunda 7 may ask of `execution`."""
        return {
            "id": str(self.key), "processInstanceId": str(self.key), "rootProcessInstanceId": str(self.root_key),
            "processBusinessKey": self.business_id, "businessKey": self.business_id,
            "processDefinitionId": str(self.definition.key), "tenantId": self.tenant_id,
        }

    def next_position(self) -> int:
        """The place of the next history row."""
        self.position += 1
        return ((self.revision + 1) << POSITIONS) + self.position


class Cache:
    """Instances that were run lately, so that the next command needs not load them. Safe for threads.

    One that is taken is not in the cache any more: whoever takes it owns it, and puts it back after the commit. A
    revision that differs from the row's tells that another process went on with it.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[int, Live] = OrderedDict()
        self._capacity = capacity

    def take(self, key: int) -> Live | None:
        """Take an instance out, if it is there."""
        with self._lock:
            return self._kept.pop(key, None)

    def put(self, live: Live) -> None:
        """Put an instance in."""
        with self._lock:
            self._kept[live.key] = live
            self._kept.move_to_end(live.key)
            if len(self._kept) > self._capacity:
                self._kept.popitem(last=False)


def locked(tx: Transaction, key: int) -> RowMapping:
    """The row of an instance, locked. Raises NotFound."""
    found = tx.first(BY_KEY, {"key": key})
    if found is None:
        raise NotFound(f"Expected to find a process instance with key {key}, but there is none.")
    return found._mapping


def active(tx: Transaction, key: int) -> RowMapping:
    """The row of an active instance, locked, and known to the transaction. Raises NotFound, WrongState."""
    row = locked(tx, key)
    guard.active(row)
    tx.instance_rows[key] = row
    return row


def restore(tx: Transaction, key: int) -> Live | None:
    """The instance as it is in this transaction, its row locked; None if there is none or it has ended."""
    live = tx.live.get(key)
    if live is not None:
        return live
    row = tx.instance_rows.get(key)
    if row is None:
        found = tx.first(_by_key(tx, key), {"key": key})
        if found is None:
            return None
        row = found._mapping
    if row["instance_state"] != InstanceState.ACTIVE:
        return None
    live = tx.engine.cache.take(key)
    if live is None or live.revision != row["instance_revision"] \
            or live.definition.key != row["instance_definition_key"]:
        live = _load(tx, row)
    live.suspended_at = row["instance_suspended_at"]
    live.business_id = row["instance_business_id"]
    live.position = 0
    tx.live[key] = live
    return live


def _by_key(tx: Transaction, key: int) -> Select[Any]:
    """How to lock an instance: a caller whose called instance is held already must not be waited for, because it may
    be waiting for that one. If it is not free, the transaction is run again and locks the caller first."""
    if any(live.parent_key == key for live in tx.live.values()):
        tx.callers.add(key)
        return BY_KEY_AT_ONCE
    return BY_KEY


def lock_callers(tx: Transaction) -> None:
    """Lock the instances that an earlier run of this transaction wanted too late, the outermost first."""
    if tx.callers:
        for row in tx.select(LOCK, {"keys": sorted(tx.callers)}):
            tx.instance_rows[row.instance_key] = row._mapping


def _load(tx: Transaction, row: RowMapping) -> Live:
    key: int = row["instance_key"]
    definition = tx.definition(row["instance_definition_key"])
    variables = tx.select(VARIABLES, {"key": key})
    run = Execution.load(
        definition.program, row["instance_tokens"], [(v.scope_key, v.name, v.value) for v in variables],
        key=key, keys=tx.engine.keys, has_caller=row["instance_parent_key"] is not None,
    )
    return Live(
        key=key, definition=definition, run=run, tenant_id=row["instance_tenant_id"],
        business_id=row["instance_business_id"], parent_key=row["instance_parent_key"],
        parent_token=row["instance_parent_element_instance_key"], root_key=row["instance_root_key"],
        partition_key=row["instance_partition_key"], correlation_id=row["instance_correlation_id"],
        trace_parent=row["instance_trace_parent"], message_key=row["instance_message_key"],
        depth=row["instance_depth"], end_reason=row["instance_end_reason"],
        revision=row["instance_revision"], steps=row["instance_steps"],
        tokens=dict(run.open_tokens() + run.armed_tokens()),
    )


def save(tx: Transaction, live: Live) -> None:
    """Write down tokens, changed variables and state."""
    live.revision += 1
    ended = live.state != InstanceState.ACTIVE
    _save_variables(tx, live)
    row = tx.rows.unwritten(schema.instances, live.key)
    tokens = None if ended else live.run.dump()
    steps, ended_at = (0, tx.now) if ended else (live.steps, None)
    if row is not None:
        row.update(state=live.state, tokens=tokens, revision=live.revision, steps=steps, ended_at=ended_at,
                   end_reason=live.end_reason)
    else:
        tx.rows.write(SAVE, {
            "b_key": live.key, "b_state": live.state, "b_tokens": tokens, "b_revision": live.revision,
            "b_steps": steps, "b_ended_at": ended_at, "b_end_reason": live.end_reason,
        })
    if ended and live.suspended_at is not None:
        tx.rows.write(DROP_DEFERRED, {"b_key": live.key})
    if live.incidents_changed:
        tx.rows.write(COUNT_INCIDENTS, {"b_key": live.key})
        live.incidents_changed = False
    live.closed.clear()


def _save_variables(tx: Transaction, live: Live) -> None:
    changes = live.run.changes()
    for scope_key, name, value in changes.set:
        by = changes.by.get((scope_key, name))
        tx.rows.write(SAVE_VARIABLE, {
            "key": tx.key(), "instance_key": live.key, "scope_key": scope_key, "name": name, "value": value,
            "declared": tx.declarations.of(name, value), "lookup": lookup(value), "changed_at": tx.now, "ended": False,
            "created_revision": live.revision, "created_at": tx.now, "created_by": by,
        })
        if (scope_key, name) in changes.before and name not in COUNTERS:
            before = changes.before[scope_key, name]
            if before is not value:
                tx.rows.insert(schema.variable_history, {
                    "key": tx.key(), "instance_key": live.key, "scope_key": scope_key, "name": name, "value": before,
                    "revision": live.revision, "replaced_at": tx.now, "replaced_by": by, "removed": False,
                    "created_revision": None, "created_at": None, "created_by": None,
                })
    for scope_key, name in changes.removed:
        tx.rows.write(KEEP_REMOVED, {
            "b_key": live.key, "b_scope": scope_key, "b_name": name, "b_new_key": tx.key(),
            "b_revision": live.revision, "b_at": tx.now, "b_by": changes.by.get((scope_key, name)),
        })
        tx.rows.write(REMOVE_VARIABLE, {"b_key": live.key, "b_scope": scope_key, "b_name": name})
    for scope_key in changes.ended:
        tx.rows.write(END_SCOPE, {"b_key": live.key, "b_scope": scope_key})


def has_value(value: Any, *, by_index: bool = True) -> ColumnElement[bool]:
    """The condition that a variable has this value, exactly.

    Without `by_index` it is said so that the index of values is not used: of one instance's variables, say.
    Raises InvalidInput for a list or a context, which cannot be searched for.
    """
    text = lookup(value)
    if text is None:
        raise InvalidInput("Expected a text, number, boolean or null to search for, but found a collection.")
    found = (_v.lookup if by_index else _v.lookup.concat("")) == text
    # What was cut off is compared too.
    return found if len(text) < LOOKUP_LENGTH else and_(found, _v.value == value)


def lookup(value: Any) -> str | None:
    """The text by which instances are found that have a variable of this value; None for lists and objects."""
    if isinstance(value, (dict, list, tuple, set)):
        return None
    return to_json(value)[:LOOKUP_LENGTH]

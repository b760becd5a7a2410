"""How long ended instances are kept, and how those that were kept long enough are taken away.

A tree of instances (one and all that it called) goes together, by the rule of the outermost one; what a decision said
that was asked by itself, by the rule of the decision; what operations did, by the engine's. The audit trail stays: who
did what outlives what it was done to.
Large histories go in slices, the instance itself last, so that no transaction is long and a crash leaves nothing that
is not found again.
Source: Camunda 7 manual, "History cleanup"; Camunda 8 docs, "Data retention".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import BindParameter, Connection, Select, Table, bindparam, delete, select, update

from engine import audit, schema
from engine.errors import InvalidInput, NotFound
from engine.operations import cleaning
from engine.tenants import within

if TYPE_CHECKING:
    from engine.transaction import Transaction

LONGEST_DAYS = 36_500
TREES = 200
"""How many trees of instances a slice looks at."""
SLICE = 2_000
"""About how many rows a slice deletes: some ten milliseconds of work."""

_d = schema.definitions.c
_e = schema.decision_evaluations.c
_i = schema.instances.c
_u = schema.user_tasks.c

KEPT = (schema.audit, schema.operation_items, schema.outbox)
"""Tables that outlive the instances they speak of. What waits to be told is told, however long its target is away; then
it goes by itself. Items go with their operation (`engine.operations.cleaning`)."""
OF_INSTANCE: tuple[Table, ...] = tuple(
    table for table in schema.metadata.sorted_tables if "instance_key" in table.c and table not in KEPT
)
"""Every table with rows of an instance; what depends on such a row goes before it."""
OF_TASK: tuple[Table, ...] = tuple(
    table for table in schema.metadata.sorted_tables if "task_key" in table.c and "instance_key" not in table.c
)
"""Every table with rows of a user task that do not name its instance. They go with the task."""
RULES = select(_d.key, _d.history_days)
ALONE_RULES = select(schema.decisions.c.key, schema.decisions.c.history_days)
ALONE = (
    select(_e.key)
    .where(_e.decision_key == bindparam("decision_key"), _e.instance_key.is_(None),
           _e.evaluated_at < bindparam("before"))
    .limit(bindparam("most"))
)
"""What a decision said that was asked for no instance."""
DAYS = select(_d.history_days).where(_d.key == bindparam("key"))
VERSIONS = select(_d.key).where(_d.process_id == bindparam("process_id"), _d.tenant_id == bindparam("tenant_id"))
SET_DAYS = update(schema.definitions).where(_d.key == bindparam("b_key")).values(history_days=bindparam("b_days"))
OVER = (
    select(_i.key)
    .where(_i.definition_key == bindparam("definition_key"), _i.ended_at.is_not(None), _i.parent_key.is_(None),
           _i.ended_at < bindparam("before"))
    .order_by(_i.ended_at).limit(TREES).with_for_update(skip_locked=True)
)
TREE = select(_i.key).where(_i.root_key.in_(bindparam("roots", expanding=True)))
CALLED = TREE.where(_i.parent_key.is_not(None))
ROOTS = delete(schema.instances).where(_i.key.in_(bindparam("roots", expanding=True)))

_PARTS = (
    *((table, select(table.c.key).where(table.c.instance_key.in_(TREE))) for table in OF_INSTANCE),
    (schema.instances, CALLED),
)
"""Each table, and how the rows in it that belong to some trees are found."""
_TASKS: BindParameter[int] = bindparam("tasks", expanding=True)
_TAKE_TASKS = (*(delete(table).where(table.c.task_key.in_(_TASKS)) for table in OF_TASK),
               delete(schema.user_tasks).where(_u.key.in_(_TASKS)))
"""What takes some user tasks away with all that hangs on them, the tasks last."""


def set_days(tx: Transaction, process_id: str, days: int | None, *, reason: str | None = None,
             tenant_id: str = schema.DEFAULT_TENANT) -> int:
    """Keep the ended instances of all versions of a process for `days`; None: as long as the engine's default.

    Returns how many versions that concerns. Audited. Raises InvalidInput, NotFound.
    """
    _checked(days)
    keys = tx.connection.scalars(VERSIONS, {"process_id": process_id, "tenant_id": tenant_id}).all()
    if not keys:
        raise NotFound(f"Expected a process with the id {process_id!r}{within(tenant_id)}, but none is deployed.")
    before = tx.connection.scalar(DAYS, {"key": max(keys)})
    for key in keys:
        tx.connection.execute(SET_DAYS, {"b_key": key, "b_days": days})
    audit.record(tx, "SET_RETENTION", "DEFINITION", max(keys), reason=reason,
                 details={"process_id": process_id}, before={"days": before}, after={"days": days})
    return len(keys)


def set_version_days(tx: Transaction, definition_key: int, days: int | None) -> None:
    """Keep the ended instances of one version of a process for `days`. Audited. Raises InvalidInput, NotFound."""
    _checked(days)
    before = tx.connection.scalar(DAYS, {"key": definition_key})
    if not tx.connection.execute(SET_DAYS, {"b_key": definition_key, "b_days": days}).rowcount:
        raise NotFound(f"Expected a process definition with the key {definition_key}, but there is none.")
    audit.record(tx, "SET_RETENTION", "DEFINITION", definition_key, before={"days": before}, after={"days": days})


def clean(tx: Transaction, default: timedelta | None) -> int:
    """Delete a slice of what was kept long enough; returns how many rows that was, 0 when nothing is left to do.

    `default` is for definitions that say nothing, and for operations, which belong to none; None keeps theirs for ever.
    """
    deleted = 0
    for key, before in rules(tx.connection, tx.now, default):
        while deleted < SLICE:
            roots = tx.connection.scalars(OVER, {"definition_key": key, "before": before}).all()
            if not roots:
                break
            deleted += _delete(tx, roots, SLICE - deleted)
    for key, before in rules(tx.connection, tx.now, default, ALONE_RULES):
        if deleted < SLICE:
            deleted += tx.connection.execute(
                delete(schema.decision_evaluations).where(_e.key.in_(ALONE)),
                {"decision_key": key, "before": before, "most": SLICE - deleted}).rowcount
    if default is not None and deleted < SLICE:
        deleted += cleaning.clean(tx, default, SLICE - deleted)
    return deleted


def rules(connection: Connection, now: datetime, default: timedelta | None,
          of: Select[int, int | None] = RULES) -> Iterator[tuple[int, datetime]]:
    """The keys of definitions whose history is not kept for ever, and what was over before when of each may go."""
    for key, days in connection.execute(of).all():
        kept = default if days is None else timedelta(days=min(days, LONGEST_DAYS))
        if kept is not None:
            yield key, now - kept


def _delete(tx: Transaction, roots: Sequence[int], most: int) -> int:
    """Delete up to `most` rows of some trees, and their outermost instances once nothing else is left of them.

    Beside them go the few rows of each user task among them that have no key of their own.
    """
    deleted = 0
    for table, found in _PARTS:
        some = found.limit(most - deleted)
        if table is schema.user_tasks:
            deleted += _delete_tasks(tx, tx.connection.scalars(some, {"roots": roots}).all())
        else:
            deleted += tx.connection.execute(delete(table).where(table.c.key.in_(some)), {"roots": roots}).rowcount
        if deleted >= most:
            return deleted
    return deleted + tx.connection.execute(ROOTS, {"roots": roots}).rowcount


def _delete_tasks(tx: Transaction, keys: Sequence[int]) -> int:
    if keys:
        for statement in _TAKE_TASKS:
            tx.connection.execute(statement, {"tasks": keys})
    return len(keys)


def _checked(days: int | None) -> None:
    if days is not None and not 0 <= days <= LONGEST_DAYS:
        raise InvalidInput(f"Expected 0 to {LONGEST_DAYS} days, but found {days}.")

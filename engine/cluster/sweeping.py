"""Handles the entries of the queue, and finds what is due and has none.

A command puts into the queue what falls due soon. The rest is found by sweeps, slow and by indexes: timers that were
armed long before, what was resumed, and whatever a crash of the database took from the queue. Any number of nodes may
sweep; one at a time does.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select

from engine import execution, schema, timers
from engine.cluster import due, queue
from engine.cluster.partitions import group_of, of_group
from engine.cluster.queue import HORIZON, TAKEOVER, Entry, Kind
from engine.cluster.wakeup import jobs_topic

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.transaction import Transaction

AGAIN = timedelta(milliseconds=200)
"""When what somebody else holds is looked at again."""
EARLY = timedelta(seconds=5)
"""How far the clock of the database, which the queue goes by, may be ahead of a node's."""
PUT_TOGETHER = 1000
"""Entries that one statement writes."""

_t = schema.timers.c
_j = schema.jobs.c
_i = schema.instances.c

TIMERS_SOON = (
    select(_t.partition_key, _t.due_at).where(timers.ARMED, timers.OF_KNOWN_TENANTS, _t.due_at <= bindparam("until"))
    .order_by(_t.due_at, _t.key).limit(50_000)
)
RETRIES_SOON = (
    select(_j.partition_key, _j.type, _j.due_at).distinct()
    .where(due.RETRIED, _j.due_at > bindparam("now"), _j.due_at <= bindparam("until")).limit(50_000)
)
PROGRESS = select(_i.steps, _i.revision, _i.partition_key, _i.suspended_at).where(_i.key == bindparam("key"))


class Handling:
    """Does what entries say, for one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __call__(self, entry: Entry) -> timedelta | None:
        """Handle an entry; returns after which time it is to come again, or None."""
        match entry.kind:
            case Kind.TIMERS:
                return self._fire(entry.group)
            case Kind.RETRY:
                self._engine.wakeup.announce([jobs_topic(entry.key)])
                return None
            case Kind.INSTANCE:
                key, _, revision = entry.key.partition(":")
                return self._take_on(int(key), int(revision))

    def _fire(self, group: int) -> timedelta | None:
        partitions = of_group(group)
        while due.fire_timers(self._engine, partitions) >= timers.BATCH:
            pass
        with self._engine.read() as connection:
            at = timers.next_due(connection, partitions)
        now = self._engine.clock()
        if at is None or at > now + EARLY:
            return None
        return max(at - now, AGAIN)

    def _take_on(self, key: int, revision: int) -> timedelta | None:
        with self._engine.read() as connection:
            row = connection.execute(PROGRESS, {"key": key}).first()
        if row is None or row.steps == 0 or row.suspended_at is not None:
            return None
        if key in self._engine.finishing:
            return TAKEOVER
        if row.revision != revision:
            # Somebody moves it; whether that goes on is looked at again.
            self._engine.execute(_watch, key, row.revision, row.partition_key)
        else:
            self._engine.finish([key])
        return None


def _watch(tx: Transaction, key: int, revision: int, partition: int) -> None:
    tx.plan(Kind.INSTANCE, tx.now + TAKEOVER, partition, f"{key}:{revision}")


def sweep(tx: Transaction) -> int:
    """Put into the queue what falls due within the horizon and may not be in it; returns how much that was.

    Another node that is at it is left alone.
    """
    if not tx.engine.database.try_serialize(tx.connection, "sweep"):
        return 0
    timers.forget_orphans(tx)
    until = tx.now + HORIZON
    found = [Entry(Kind.TIMERS, "", group_of(row.partition_key), row.due_at, once=True)
             for row in tx.select(TIMERS_SOON, {"until": until, "tenant_ids": tx.engine.tenants.ids})]
    found += [Entry(Kind.RETRY, row.type, group_of(row.partition_key), row.due_at, once=True)
              for row in tx.select(RETRIES_SOON, {"now": tx.now, "until": until})]
    found += [Entry(Kind.INSTANCE, f"{row.key}:{row.revision}", group_of(row.partition_key), tx.now, once=True)
              for row in execution.unfinished(tx.connection)]
    entries = queue.soon(found, tx.now)
    for first in range(0, len(entries), PUT_TOGETHER):
        tx.engine.queue.put(tx.connection, entries[first:first + PUT_TOGETHER], tx.now)
    tx.engine.queue.tidy(tx.connection)
    return len(entries)


def oldest(engine: Engine) -> datetime | None:
    """Since when the timer of ours is due that waits longest, by this node's clock; None if none is late."""
    with engine.read() as connection:
        at = timers.next_due(connection, engine.partitions)
    return at if at is not None and at <= engine.clock() else None

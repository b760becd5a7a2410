"""How the whole stands: the nodes that serve, what is late, and who is in the way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import RowMapping, func, select

from engine import schema, timers
from engine.cluster import partitions
from engine.cluster.agreed import machine_time
from engine.cluster.nodes import DEAD, SCHEDULER, WORKER
from engine.cluster.partitions import PARTITIONS
from engine.engine import Engine
from engine.states import JobState

STUCK = timedelta(minutes=1)
"""A lock that ended so long ago should have been released."""
LONG = timedelta(minutes=1)
"""A transaction open for so long holds up others."""

_n = schema.nodes.c
_j = schema.jobs.c


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRow:
    """A process that serves. `is_alive`: it said so lately. `clock_ahead`: of the database's clock."""

    key: int
    roles: tuple[str, ...]
    host: str
    pid: int
    version: str
    address: str | None
    partitions: str | None
    services: tuple[str, ...]
    clock_ahead: timedelta
    started_at: datetime
    seen_at: datetime
    is_alive: bool

    @property
    def works(self) -> bool:
        """Whether it calls services."""
        return WORKER in self.roles


@dataclass(frozen=True, slots=True, kw_only=True)
class LongTransaction:
    """A transaction that has been open for long. `who` is the name that its program gave."""

    pid: int
    who: str
    state: str
    age: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How the whole stands, by the database's clock `now`.

    `clock_ahead`: of this machine's clock. `timer_lag`: how long the oldest timer is overdue; `queue_waiting` and
    `queue_lag`: entries of the queue that are due, and for how long the oldest is (None where there is no queue).
    `stuck_locks`: locks of jobs that ended long ago and were not released. `unserved`: the partitions that no living
    scheduler serves; None if there is no scheduler at all. `uncalled`: services that living workers have, and the
    partitions in which none of those calls them. `hidden_sessions`: of other accounts, whose transactions this one is
    told nothing about.
    """

    now: datetime
    clock_ahead: timedelta
    nodes: tuple[NodeRow, ...]
    timer_lag: timedelta
    queue_waiting: int | None
    queue_lag: timedelta | None
    stuck_locks: int
    long_transactions: tuple[LongTransaction, ...]
    unserved: str | None
    uncalled: Mapping[str, str] = field(default_factory=dict)
    hidden_sessions: int = 0

    @property
    def alive(self) -> tuple[NodeRow, ...]:
        """The nodes that live."""
        return tuple(node for node in self.nodes if node.is_alive)

    def has(self, role: str) -> bool:
        """Whether a living node has a role."""
        return any(role in node.roles for node in self.alive)


def standing(engine: Engine) -> Standing:
    """Look at everything; a few statements, each by an index."""
    with engine.read() as connection:
        now, ahead = engine.database.clock(connection, engine.clock())
        machine_ahead = machine_time(engine.clock) - engine.clock()
        nodes = tuple(_node(row._mapping, now) for row in connection.execute(
            select(schema.nodes).order_by(_n.started_at, _n.key)))
        due_at = timers.next_due(connection)
        waiting = engine.queue.waiting(connection)
        stuck = connection.scalar(select(func.count()).select_from(schema.jobs).where(
            _j.state == JobState.ACTIVATED.value, _j.locked_until < now + ahead - STUCK))
        slow = engine.database.long_transactions(connection, LONG)
        hidden = engine.database.hidden_sessions(connection)
    return Standing(
        now=now, clock_ahead=ahead + machine_ahead, nodes=nodes,
        timer_lag=max(now + ahead - due_at, timedelta()) if due_at else timedelta(),
        queue_waiting=waiting[0] if waiting else None, queue_lag=waiting[1] if waiting else None,
        stuck_locks=stuck or 0, unserved=_unserved(nodes), uncalled=_uncalled(nodes), hidden_sessions=hidden,
        long_transactions=tuple(LongTransaction(pid=pid, who=who, state=state, age=age)
                                for pid, who, state, age in slow),
    )


def _node(row: RowMapping, now: datetime) -> NodeRow:
    return NodeRow(
        key=row["key"], roles=tuple(row["roles"].split(",")), host=row["host"], pid=row["pid"], version=row["version"],
        address=row["address"], partitions=row["partitions"], services=tuple(row["services"]),
        clock_ahead=timedelta(milliseconds=row["clock_ahead"]), started_at=row["started_at"], seen_at=row["seen_at"],
        is_alive=now - row["seen_at"] <= DEAD,
    )


def _served(nodes: Iterable[NodeRow]) -> set[int]:
    served: set[int] = set()
    for node in nodes:
        served |= set(range(PARTITIONS)) if node.partitions is None else partitions.parse(node.partitions)
    return served


def _uncalled(nodes: tuple[NodeRow, ...]) -> dict[str, str]:
    workers = [node for node in nodes if node.is_alive and node.works]
    found = {}
    for service in sorted({name for node in workers for name in node.services}):
        missing = set(range(PARTITIONS)) - _served(node for node in workers if service in node.services)
        if missing:
            found[service] = partitions.words(missing) or ""
    return found


def _unserved(nodes: tuple[NodeRow, ...]) -> str | None:
    schedulers = [node for node in nodes if node.is_alive and SCHEDULER in node.roles]
    if not schedulers:
        return None
    return partitions.words(set(range(PARTITIONS)) - _served(schedulers)) or ""

"""What falls due soon, told to the nodes that are to do it.

The engine's tables hold the truth; the queue only carries that something is due: timers of a group of partitions, jobs
whose pause before another try ends, instances on the move that may have lost the node that moved them. A command
plans it (`Transaction.plan`), and the queue writes it down in the command's own transaction. An entry too many finds
nothing to do; one that is lost is found by the scheduler's sweep.

On SQLite the scheduler of each process looks for itself, woken by commits. On PostgreSQL the queue is PgQueuer
(`engine.cluster.queue_postgres`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import Connection

if TYPE_CHECKING:
    from engine.cluster.wakeup import Wakeup
    from engine.database import Database

HORIZON = timedelta(seconds=60)
"""What falls due later than that is not put into the queue by its command: most of it is cancelled before, and a sweep
finds the rest in time. So no number of waiting timers is felt by the queue."""

MOMENT = timedelta(milliseconds=50)
"""What falls due within so short a time is due at its end: one entry instead of many."""

TAKEOVER = timedelta(seconds=3)
"""An instance on the move that did not get on for so long is taken on by another node."""


class Kind(StrEnum):
    """What is due."""

    TIMERS = "timers"
    RETRY = "retry"
    INSTANCE = "instance"


@dataclass(frozen=True, slots=True)
class Entry:
    """`kind` is due at a time. `key`: nothing for timers, the type of a job, `key:revision` of an instance. `once`: an
    equal entry that waits already will do; two transactions that put the same one then wait for each other."""

    kind: Kind
    key: str
    group: int
    at: datetime
    once: bool = False


class Handler(Protocol):
    """Does what an entry says; returns after which time the entry is to come again, or None if all is done."""

    def __call__(self, entry: Entry) -> timedelta | None: ...


class Queue(Protocol):
    """Carries entries between nodes."""

    @property
    def is_live(self) -> bool:
        """Whether what is put will be handed to a handler of this node. If not, the scheduler looks for itself."""
        ...

    def put(self, connection: Connection, entries: Collection[Entry], now: datetime) -> None:
        """Write entries down in the open transaction."""
        ...

    def waiting(self, connection: Connection) -> tuple[int, timedelta] | None:
        """How many entries are due, and since when the oldest is; None if this queue has no entries."""
        ...

    def tidy(self, connection: Connection) -> None:
        """Throw away what the queue wrote down about entries that are done."""
        ...

    def tell(self, connection: Connection, topics: Collection[str]) -> None:
        """Tell other processes of topics when the open transaction is committed, without being started."""
        ...

    def start(self, wakeup: Wakeup, handle: Handler | None, groups: Iterable[int]) -> None:
        """Pass on what other nodes announce, and give entries of `groups` to `handle`, if there is one."""
        ...

    def stop(self) -> None:
        """End, after what is being handled."""
        ...


class LocalQueue:
    """One process, or several on one SQLite file: every scheduler looks into the tables itself."""

    is_live = False

    def put(self, connection: Connection, entries: Collection[Entry], now: datetime) -> None:
        """Nothing: the scheduler is woken by the commit, and finds what is due by an index."""

    def waiting(self, connection: Connection) -> tuple[int, timedelta] | None:
        """None: there are no entries."""
        return None

    def tidy(self, connection: Connection) -> None:
        """Nothing was written."""

    def tell(self, connection: Connection, topics: Collection[str]) -> None:
        """Nothing: other processes on the file look from time to time."""

    def start(self, wakeup: Wakeup, handle: Handler | None, groups: Iterable[int]) -> None:
        """Nothing to start."""

    def stop(self) -> None:
        """Nothing to end."""


def of(database: Database) -> Queue:
    """The queue that suits a database. Raises ModuleNotFoundError if the extra `postgres` is not installed."""
    if database.is_sqlite:
        return LocalQueue()
    from engine.cluster.queue_postgres import PostgresQueue

    return PostgresQueue(database.engine.url, database.pooler)


def soon(entries: Iterable[Entry], now: datetime) -> list[Entry]:
    """The entries that fall due within the horizon; those of one thing in the same moment only once."""
    found: dict[str, Entry] = {}
    for entry in entries:
        if entry.at - now <= HORIZON:
            found.setdefault(name(entry, now), entry)
    return list(found.values())


def name(entry: Entry, now: datetime) -> str:
    """What tells an entry from others: its thing and its moment; everything overdue is of one moment."""
    moment = -(-max(entry.at, now).timestamp() // MOMENT.total_seconds()) if entry.at > now else 0
    return f"{entry.kind}.{entry.group}.{entry.key}.{moment:.0f}"


def moment_of(at: datetime, now: datetime) -> timedelta:
    """How long until the moment of a time is over."""
    if at <= now:
        return timedelta()
    seconds = MOMENT.total_seconds()
    return timedelta(seconds=-(-at.timestamp() // seconds) * seconds - now.timestamp())

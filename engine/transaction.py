"""What a command works with: one database transaction, and what it sets off.

A command reads, changes its own rows and says what may go on (`tx.resume`). It moves no tokens: `engine.execution`
does that afterwards, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Executable, RowMapping

from bpmn.interpreter import journal
from engine.actions import Action
from engine.cluster.partitions import group_of
from engine.cluster.queue import Entry, Kind
from engine.cluster.wakeup import due_topic
from engine.rows import AnyRow, NewRow, Rows
from engine.sight import Sight
from engine.telemetry.metrics import Tally
from engine.telemetry.spans import Noted
from engine.telemetry.tracing import trace_of

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.live import Live
    from engine.programs import Definition
    from engine.work.holds import Hold


class Transaction:
    """One writing transaction. `now` is its time, the same for everything in it."""

    def __init__(self, engine: Engine, connection: Connection, now: datetime,
                 callers: set[int] | None = None) -> None:
        self.engine = engine
        self.connection = connection
        self.now = now
        self.actor = engine.actor
        self.person = engine.person
        self.allowed: Sight | None = None
        """What the command may act on by itself, beside what it is told by key; None: everything."""
        self.seen: Sight | None = None
        """What the caller may see; None: everything."""
        self.declarations = engine.declarations
        self.rows = Rows(engine.database, connection)
        self.pending: dict[int, list[Action]] = {}
        self.instance_rows: dict[int, RowMapping] = {}
        self.fetched_jobs: dict[int, RowMapping] = {}
        """Jobs that were read and locked together, to be answered."""
        self.live: dict[int, Live] = {}
        self.reopened_jobs: set[int] = set()
        """Tokens whose job was put back by hand: a retry does not open another one."""
        self.done_tokens: set[int] = set()
        """Tokens whose user task is completed: what is open for them is written as that, and not as cancelled."""
        self.kept_tokens: set[int] = set()
        """Tokens whose user task stays although they cannot go on: its job failed, people may still do it."""
        self.failed_jobs: dict[int, int] = {}
        """Token → its job without retries, for the incident."""
        self.holds: Mapping[str, Hold] | None = None
        """Services that are held, once somebody asked (`engine.work.holds.current`)."""
        self.unpaused: set[tuple[str, str]] = set()
        """Processes and their tenants that were just seen to take new starts."""
        self.unfinished: set[int] = set()
        """Instances that are saved on the move and have to go on in another transaction."""
        self.callers: set[int] = set() if callers is None else callers
        """Instances to lock first: another run of this transaction found them locked when it came to them."""
        self.operation_key: int | None = None
        """The operation that this transaction carries out an item of; the audit trail names it."""
        self.approved = False
        """Whether another person approved what is done (`engine.approvals`)."""
        self.afterwards: list[Callable[[], None]] = []
        """What is done once no instance goes on any more, before everything is written: it sees what came of it."""
        self.topics: set[str] = set()
        self.after_commit: list[Callable[[], None]] = []
        """What this process does once all is kept."""
        self.planned: list[Entry] = []
        self.prepared: list[Definition] = []
        self._definitions: dict[int, Definition] = {}
        self.begun_jobs: dict[tuple[Any, ...], tuple[journal.JobOpened, NewRow]] = {}
        """What jobs that begin in it have in common (`engine.work.opening`)."""
        self.tally = Tally()
        self.lines: list[tuple[str, dict[str, Any]]] = []
        """What is logged after the commit."""
        self.spans = Noted() if engine.spans is not None else None
        """What it ends, if somebody wants traces."""
        self.trace_parent: str | None = None
        """The `traceparent` of the request that this is done for."""
        self.event_count = 0
        """How many events went into the outbox."""

    def key(self) -> int:
        """A new key."""
        return next(self.engine.keys)

    def resume(self, instance_key: int, action: Action) -> None:
        """Let an instance go on with `action`, once the command is done."""
        self.pending.setdefault(instance_key, []).append(action)

    def select(self, statement: Executable, values: Mapping[str, Any] | None = None) -> Sequence[AnyRow]:
        """Rows as they are with all that this transaction changed so far."""
        self.rows.flush()
        return self.engine.database.select(self.connection, statement, values or {})

    def first(self, statement: Executable, values: Mapping[str, Any] | None = None) -> AnyRow | None:
        """The first row, or None."""
        self.rows.flush()
        found = self.engine.database.select(self.connection, statement, values or {})
        return found[0] if found else None

    def announce(self, topic: str) -> None:
        """After the commit, wake whoever waits for `topic` in this process (see `engine.cluster.wakeup`)."""
        self.topics.add(topic)

    def count(self, name: str, *labels: str) -> None:
        """Something happened, of which `engine.telemetry.metrics.COUNTERS` tells, once this is committed."""
        self.tally.counted[name, *labels] += 1

    def log(self, line: str, live: Live, **more: Any) -> None:
        """Log a warning about an instance, once this is committed."""
        trace = trace_of(live.trace_parent, live.correlation_id)
        self.lines.append((line, {
            "instance_key": live.key, "process_id": live.definition.process_id,
            "correlation_id": live.correlation_id, "trace_id": trace.id, **more,
        }))

    def observe(self, name: str, value: float, *labels: str) -> None:
        """Something took so long: for one of `engine.telemetry.metrics.HISTOGRAMS`, once this is committed."""
        self.tally.observed.append((value, (name, *labels)))

    def plan(self, kind: Kind, at: datetime, partition: int, key: str = "") -> None:
        """Something falls due at a time: tell who does it (see `engine.cluster.queue`)."""
        self.planned.append(Entry(kind, key, group_of(partition), at))
        if not self.engine.queue.is_live:
            self.topics.add(due_topic(at))

    def definition(self, key: int) -> Definition:
        """The definition with this key; raises NotFound."""
        known = self._definitions.get(key)
        if known is None:
            known = next((each for each in self.prepared if each.key == key), None)
            known = known or self.engine.programs.get(self.connection, key)
            self._definitions[key] = known
        return known

"""The engine: runs commands, each in one transaction."""

from __future__ import annotations

import copy
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta, tzinfo
from functools import partial
from typing import Any, Concatenate, ParamSpec, TypeVar
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from bpmn import surroundings
from bpmn.dmn import DecisionModel
from bpmn.model import Model
from bpmn.problems import Problem
from bpmn.reading.source import NO_LANGUAGES, ScriptLanguages
from engine import execution, outages, requests, sight, tenants
from engine import live as lives
from engine.clock import Clock, system_clock
from engine.cluster import queue
from engine.cluster.partitions import Partitions
from engine.cluster.wakeup import Wakeup
from engine.contracts import JobContract, Published
from engine.database import Database, commit
from engine.declared import Declarations
from engine.errors import NeedsApproval, Unavailable
from engine.events.targets import CHANGED, Targets
from engine.grouping import Grouping, Work
from engine.keyring import Keyring
from engine.keys import Keys
from engine.live import Cache
from engine.masking import Masking
from engine.programs import Programs
from engine.statements import Savepoint
from engine.states import InstanceState
from engine.telemetry.metrics import Metrics
from engine.telemetry.spans import Sink
from engine.tenants import Tenants
from engine.transaction import Transaction
from engine.upgrade import open_schema

P = ParamSpec("P")
Result = TypeVar("Result")

logger = structlog.get_logger(__name__)

ATTEMPTS = 5
"""How often a transaction is run that another one was in the way of, or whose connection was cut."""
PAUSE = 0.05
"""Seconds to wait before running it again on a new connection; a little longer each time."""


class Engine:
    """One engine on one database. Safe for threads; several processes may share a database.

    Arguments: `url` of the database (`sqlite:///path` or `postgresql://…`); `clock`; `time_zone` in which cron
    expressions and dates without offset are read; `synchronous` for SQLite (see `engine.database.Database`);
    `scripts`: what compiles scripts in languages beside FEEL and JUEL, such as `bpmn.python_scripts`.
    Raises `engine.errors.WrongSchema` if the database belongs to another version of Partitur.
    """

    def __init__(self, url: str, *, clock: Clock = system_clock, time_zone: str = "UTC",
                 synchronous: str = "FULL", scripts: ScriptLanguages = NO_LANGUAGES) -> None:
        self.database = Database(url, synchronous=synchronous)
        open_schema(self.database)
        self.clock = clock
        self.time_zone: tzinfo = ZoneInfo(time_zone)
        self.actor = "system"
        self.person = ""
        """Who acts, in words that stay the same when the name changes; empty: nobody knows more than the name."""
        self.declarations = Declarations()
        self.keys = Keys(self.database)
        self.cache = Cache()
        self.scripts = scripts
        self.programs = Programs(scripts)
        self.decision_models: dict[int, DecisionModel] = {}
        """Compiled DMN models by the key of their requirements graph."""
        self.metrics = Metrics()
        self.spans: Sink | None = None
        """Who shows traces; None: nobody."""
        self.sealed: Callable[[Sequence[Mapping[str, Any]]], None] | None = None
        """Who is told of entries of the audit trail that this process sealed (`engine.chain`); None: nobody."""
        self.wakeup = Wakeup()
        self.queue = queue.of(self.database)
        self.partitions: Partitions | None = None
        """The partitions whose jobs, timers and instances on the move this process serves; None: all."""
        self.targets = Targets(self.database)
        """Where events go; refreshed by `engine.events.watching` while the process serves."""
        self.tenants = Tenants(self.database)
        """Who shares this installation; refreshed with the targets of events."""
        self.keyring = Keyring()
        """The keys of secrets; whoever opens the engine gives it others."""
        self.contracts: dict[str, JobContract] = {}
        self.published = Published()
        """What other nodes say of the services that they have."""
        self.masking = Masking(declared=self._sensitive)
        """What is hidden from whoever only looks on."""
        self.checks: list[Callable[[Model], Iterable[Problem]]] = []
        """Further checks of a model at deploy; each yields problems."""
        self.history: timedelta | None = None
        """How long ended instances are kept whose process says nothing; None: for ever."""
        self.strict = False
        """Whether warnings refuse a deployment, as errors do."""
        self.four_eyes: frozenset[str] = frozenset()
        """What another person has to approve (`engine.approvals.asking.FourEyes`)."""
        self.cannot_write: str | None = None
        """Why this process could not say that it is alive (`engine.cluster.nodes`): nothing else can be written then;
        None: it could."""
        self.finishing: set[int] = set()
        """Instances on the move that a thread of this process takes on, slice by slice."""
        self._grouping = Grouping(self._run_together)
        self.step_budget = 1_000_000
        """How many steps an instance may make without waiting."""

    def acting_as(self, actor: str, declarations: Declarations | None = None, *, person: str = "") -> Engine:
        """The same engine, on behalf of `actor`: the audit trail says so.

        `declarations` is what it says of the variables that it sets; `person` is who it is, whatever the name.
        """
        other = copy.copy(self)
        other.actor = actor
        other.person = person
        other.declarations = declarations or Declarations()
        return other

    def _sensitive(self) -> frozenset[str]:
        """The names that contracts declare sensitive: those of this node's services, and of all others."""
        return self.published.sensitive.union(*(each.sensitive for each in self.contracts.values()))

    def tell_others_at_once(self) -> None:
        """Let each commit tell other nodes by itself: for a program that runs a few commands, and no queue.

        A node does not: it starts its queue, which tells of many commits together. What cannot be told is found by
        those who wait, which look from time to time.
        """
        if not self.database.is_sqlite:
            self.wakeup.relay = self._tell

    def _tell(self, topics: Collection[str]) -> None:
        try:
            with self.database.write() as connection:
                self.queue.tell(connection, topics)
        except (Unavailable, DBAPIError) as error:
            logger.warning("other nodes were not told of a commit", reason=str(error).splitlines()[0])

    def execute(self, command: Callable[Concatenate[Transaction, P], Result],
                *args: P.args, **kwargs: P.kwargs) -> Result:
        """Run one command, and the process steps it sets off, in one transaction.

        Raises what the command raises; then nothing was changed. Raises `engine.errors.Unavailable` if the database is
        away. A transaction that only failed because another one was in its way is run again. Under a request
        (`engine.requests.under`) it is carried out once.
        """
        try:
            return self._execute(command, *args, **kwargs)
        except NeedsApproval as error:
            error.key, _ = self._repeat(error.ask)
            raise

    def _execute(self, command: Callable[Concatenate[Transaction, P], Result],
                 *args: P.args, **kwargs: P.kwargs) -> Result:
        request = requests.current()
        if request is None:
            result, unfinished = self._repeat(lambda tx: command(tx, *args, **kwargs))
        else:
            result, unfinished = self._repeat(
                lambda tx: requests.once(tx, request, lambda: command(tx, *args, **kwargs))
            )
            request.calls += 1
        if unfinished:
            self.finish(unfinished)
        return result

    @property
    def is_busy(self) -> bool:
        """Whether this process is at work on a command."""
        return self._grouping.is_busy

    def finish(self, keys: Iterable[int]) -> None:
        """Let instances that were saved on the move go on until they wait.

        Each slice is a transaction of its own, so that everybody else gets a turn in between.
        """
        todo = deque(keys)
        self.finishing.update(todo)
        while todo:
            key = todo.popleft()
            try:
                _, unfinished = self._repeat(partial(execution.go_on, key=key))
            except Unavailable as error:
                logger.warning("an instance waits for the database; the scheduler will try again", instance_key=key,
                               reason=error.why)
                unfinished = set()
            except Exception:
                logger.exception("an instance could not go on; the scheduler will try again", instance_key=key)
                unfinished = set()
            if key not in unfinished:
                self.finishing.discard(key)
            self.finishing.update(unfinished)
            todo.extend(unfinished)

    def _repeat(self, command: Callable[[Transaction], Result]) -> tuple[Result, set[int]]:
        callers: set[int] = set()
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._attempt(command, callers)
            except Exception as error:
                if attempt == ATTEMPTS or not self.database.may_be_repeated(error):
                    outage = outages.of(error)
                    if outage is None or outage is error:
                        raise
                    raise outage from error
                if outages.broke_connection(error.__cause__ or error):
                    time.sleep(PAUSE * attempt)
        raise AssertionError("unreachable")

    def _attempt(self, command: Callable[[Transaction], Result],
                 callers: set[int] | None = None) -> tuple[Result, set[int]]:
        work = Work(self, command, callers)
        if self.database.is_sqlite:
            self._grouping.run(work)
        else:
            self._grouping.run_alone(work)
        if work.error is not None:
            raise work.error
        assert work.tx is not None
        return work.result, work.tx.unfinished

    def _run_together(self, works: list[Work]) -> None:
        """Run commands in one transaction, each of several in a savepoint of its own."""
        self.keys.prepare()
        began = time.perf_counter()
        alone = len(works) == 1
        committed = False
        with self.database.write() as connection:
            self.keys.begin(connection)
            try:
                for work in works:
                    savepoint = None if alone else Savepoint(connection)
                    try:
                        self._run_one(work, connection)
                    except Exception as error:
                        work.error = error
                        if savepoint is None:
                            connection.rollback()
                            return
                        savepoint.roll_back()
                        self.keys.taken_back(connection)
                    else:
                        if savepoint is not None:
                            savepoint.release()
                before_commit = time.perf_counter()
                commit(connection)
                committed = True
                self.metrics.observe("commit_duration_seconds", time.perf_counter() - before_commit)
            finally:
                self.keys.end(committed=committed)
                self.metrics.count("transactions", "committed" if committed else "rolled_back")
        self.metrics.observe("transaction_duration_seconds", time.perf_counter() - began)
        for work in works:
            if work.tx is not None and work.error is None:
                self._committed(work.tx)

    def _run_one(self, work: Work, connection: Connection) -> None:
        tx = Transaction(work.engine, connection, self.clock(), work.callers)
        tx.trace_parent, tx.allowed, tx.seen = work.trace_parent, work.allowed, work.seen
        # What this thread may see is no matter of the command, which may be another thread's.
        with surroundings.at(tx.now.astimezone(self.time_zone)), sight.unlimited():
            lives.lock_callers(tx)
            work.result = work.command(tx)
            execution.run(tx)
        work.tx = tx

    def _committed(self, tx: Transaction) -> None:
        self.metrics.add(tx.tally)
        for line, about in tx.lines:
            logger.warning(line, **about)
        if tx.spans is not None and tx.spans.made and self.spans is not None:
            self.spans.take(tx.spans.made)
        for act in tx.after_commit:
            act()
        for definition in tx.prepared:
            self.programs.keep(definition)
        for live in tx.live.values():
            if live.state == InstanceState.ACTIVE:
                self.cache.put(live)
        if CHANGED in tx.topics:
            self.targets.refresh()
        if tenants.CHANGED in tx.topics:
            self.tenants.refresh()
        if tx.topics:
            self.wakeup.announce(tx.topics)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for reading only; everything read through it is of one moment, and in sight of the reader."""
        with self.database.read(sight.current()) as connection:
            yield connection

    def close(self) -> None:
        """Give back every connection."""
        self.database.close()

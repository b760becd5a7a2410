"""The queue between nodes on PostgreSQL: PgQueuer, and LISTEN/NOTIFY for what commits tell.

Entries are written through the open connection of the command, so they are committed with it. One thread of a node
runs PgQueuer on asyncpg; what it hands out is handled in threads. Its tables are unlogged: what a crash of the
database takes from them, the sweep of any scheduler puts back.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import logging
import re
import threading
import uuid
from collections.abc import Awaitable, Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import asyncpg
import structlog
from pgqueuer.adapters.drivers.asyncpg import AsyncpgPoolDriver
from pgqueuer.adapters.persistence import qb
from pgqueuer.core.qm import QueueManager
from pgqueuer.domain.models import Job
from pgqueuer.domain.settings import DBSettings, Durability
from pgqueuer.domain.types import Channel
from pgqueuer.errors import FailingListenerError, RetryRequested
from pgqueuer.queries import Queries, SyncQueries
from sqlalchemy import URL, Connection

from engine import pooler, postgres_pool
from engine.cluster.queue import Entry, Handler, Kind, moment_of, name
from engine.cluster.wakeup import DUE, ENDED, HERE
from engine.errors import Unavailable

if TYPE_CHECKING:
    from engine.cluster.wakeup import Wakeup

logger = structlog.get_logger(__name__)

CHANNEL = "partitur_wakeup"
LARGEST_NOTE = 7000
"""Bytes; PostgreSQL takes 8,000 in one notification. Source: PostgreSQL manual, NOTIFY."""
AGAIN = 1.0
"""Seconds after which a lost connection is tried again."""
PULSE = 10.0
"""Seconds after which a silent connection is asked for a sign of life."""
SOON = 0.02
"""Seconds between two announcements to other nodes: what is told meanwhile goes along with the next one. Each wakes
every node, so that twice as many nodes would be woken four times as often."""
TOGETHER = 0.1
"""The same where nothing but `UNHURRIED` is to be told."""
UNHURRIED = (HERE, ENDED)
"""How topics begin that others need not hear at once: of jobs that are taken where they were made, and of ends."""
THREADS = 4
"""Entries that one node handles at once."""
BATCH = 20
HEARTBEAT = timedelta(seconds=10)
"""An entry whose node gave no sign of life for so long goes to another one."""

LOST = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError,
        FailingListenerError)
"""How a connection tells that it is gone, or so slow that a new one is better. One that was cut while nobody read it
tells of "another operation in progress" at its next statement, which asyncpg counts among its own errors."""

TALKERS = ("asyncpg.pool", "pgqueuer")
"""The loggers of the libraries that try lost connections again by themselves."""

SETTINGS = DBSettings(
    prefix="partitur_", db_schema=None, channel=Channel("partitur_ch_pgqueuer"),
    function="partitur_fn_pgqueuer_changed",
    statistics_table="partitur_pgqueuer_statistics", queue_status_type="partitur_pgqueuer_status",
    queue_table="partitur_pgqueuer", queue_table_log="partitur_pgqueuer_log", trigger="partitur_tg_pgqueuer_changed",
    schedules_table="partitur_pgqueuer_schedules", durability=Durability.volatile,
)
"""Every name is said, because PgQueuer reads those that are not from the environment."""
_builder = qb.QueryQueueBuilder(SETTINGS)

_ANY_TIME = datetime(1970, 1, 1, tzinfo=UTC)


def in_one_sentence(record: logging.LogRecord) -> bool:
    """Let a library tell of a lost connection as we do: a warning with the reason, and no traceback."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, LOST):
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        record.msg, record.args = f"{record.getMessage().rstrip('.')} ({str(error) or type(error).__name__})", ()
        record.exc_info = record.exc_text = None
    return True


for talker in TALKERS:
    logging.getLogger(talker).addFilter(in_one_sentence)


class OpenDriver:
    """Runs PgQueuer's statements on a connection with an open transaction. Its own driver refuses those."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def fetch(self, query: str, *args: object) -> list[dict[str, object]]:
        """The rows of a statement, whose parameters are called $1, $2, … in their order."""
        statement = re.sub(r"\$\d+", "%s", query.replace("%", "%%"))
        return [dict(row._mapping) for row in self._connection.exec_driver_sql(statement, args)]


class PostgresQueue:
    """The queue of one engine. `is_live` only after `start` with a handler, and while the database answers."""

    def __init__(self, url: URL, before: pooler.Pooler) -> None:
        self._dsn = postgres_pool.dsn(url)
        self._before = before
        self._options = postgres_pool.own_options(url)
        self._settings = {"default_transaction_isolation": postgres_pool.ISOLATION.lower()}
        self._node = uuid.uuid4().hex
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._news: asyncio.Event | None = None
        self._hurry: asyncio.Event | None = None
        self._hurries = False
        self._pending: set[str] = set()
        self._guard = threading.Lock()
        self._live = threading.Event()
        self._wakeup: Wakeup | None = None

    @property
    def is_live(self) -> bool:
        """Whether entries are handed to the handler of this node."""
        return self._live.is_set()

    def put(self, connection: Connection, entries: Collection[Entry], now: datetime) -> None:
        """Write entries down in the open transaction, in one statement."""
        each = list(entries)
        SyncQueries(OpenDriver(connection), _builder).enqueue(
            [entrypoint(entry.kind, entry.group) for entry in each], [_payload(entry) for entry in each],
            [0] * len(each), [moment_of(entry.at, now) for entry in each],
            [name(entry, now) if entry.once else None for entry in each], on_conflict="skip",
        )

    def waiting(self, connection: Connection) -> tuple[int, timedelta] | None:
        """How many entries are due, and for how long the oldest is; None on a standby, which has no unlogged tables."""
        if connection.exec_driver_sql("SELECT pg_is_in_recovery()").scalar():
            return None
        count, lag = connection.exec_driver_sql(
            f"SELECT count(*), coalesce(max(clock_timestamp() - execute_after), interval '0')"
            f" FROM {SETTINGS.queue_table} WHERE status = 'queued' AND execute_after <= clock_timestamp()"
        ).one()
        return count, lag

    def tidy(self, connection: Connection) -> None:
        """Empty PgQueuer's log of every entry: nobody reads it."""
        connection.exec_driver_sql(f"DELETE FROM {SETTINGS.queue_table_log}")

    def tell(self, connection: Connection, topics: Collection[str]) -> None:
        """Tell all nodes of topics when the open transaction is committed."""
        for note in notes(self._node, sorted(_for_others(topics))):
            connection.exec_driver_sql("SELECT pg_notify(%s, %s)", (CHANNEL, note))

    def start(self, wakeup: Wakeup, handle: Handler | None, groups: Iterable[int]) -> None:
        """Pass on announcements, and hand out entries of these groups if there is a handler."""
        self._wakeup = wakeup
        ready = threading.Event()
        main = functools.partial(self._main, ready, handle, list(groups))
        self._thread = threading.Thread(target=lambda: asyncio.run(main()), name="partitur-queue", daemon=True)
        self._thread.start()
        ready.wait()
        wakeup.relay = self.announce

    def stop(self) -> None:
        """End, after what is being handled."""
        if self._thread is None or self._loop is None or self._stop is None:
            return
        if self._wakeup:
            self._wakeup.relay = None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._thread = None

    def announce(self, topics: Collection[str]) -> None:
        """Tell the other nodes of topics, soon: several commits together, and none of them waits for it."""
        told = _for_others(topics)
        if not told or self._loop is None or self._news is None:
            return
        hurries = not all(topic.startswith(UNHURRIED) for topic in told)
        with self._guard:
            waited = bool(self._pending) and (self._hurries or not hurries)
            self._pending.update(told)
            self._hurries = self._hurries or hurries
        if not waited:
            try:
                self._loop.call_soon_threadsafe(self._wake, hurries)
            except RuntimeError:
                return  # the loop has ended; others look from time to time

    def _wake(self, hurries: bool) -> None:
        assert self._news is not None
        assert self._hurry is not None
        self._news.set()
        if hurries:
            self._hurry.set()

    async def _main(self, ready: threading.Event, handle: Handler | None, groups: list[int]) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._news, self._hurry = asyncio.Event(), asyncio.Event()
        ready.set()
        tasks = [asyncio.create_task(self._forever(self._relay, "announcements"))]
        if handle and groups:
            tasks.append(asyncio.create_task(self._forever(lambda: self._hand_out(handle, groups), "the queue")))
        await asyncio.gather(*tasks)

    async def _forever(self, run: Callable[[], Awaitable[None]], what: str) -> None:
        assert self._stop is not None
        while not self._stop.is_set():
            try:
                await run()
            except LOST as error:
                logger.warning("lost the connection", of=what, reason=str(error) or type(error).__name__)
            except Exception:
                logger.exception("a connection failed", of=what)
            if not self._stop.is_set():
                await _either(self._stop, AGAIN)

    async def _relay(self) -> None:
        wakeup, news, hurry, stop = self._wakeup, self._news, self._hurry, self._stop
        assert wakeup is not None
        assert news is not None
        assert hurry is not None
        assert stop is not None
        connection = await asyncpg.connect(self._dsn, timeout=5, server_settings=self._asked_for("partitur-wakeup"))
        try:
            await self._settle(connection)
            await connection.add_listener(CHANNEL, self._heard)
            connection.add_termination_listener(lambda _: news.set())
            # What was told while nobody listened is not known: everybody looks.
            wakeup.hear_all()
            while not stop.is_set() and not connection.is_closed():
                await _first((news, stop), PULSE)
                news.clear()
                hurry.clear()
                with self._guard:
                    topics, self._pending, self._hurries = sorted(self._pending), set(), False
                for note in notes(self._node, topics):
                    await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, note, timeout=5)
                if topics:
                    await _either(stop, SOON)
                    await _first((hurry, stop), TOGETHER - SOON)
                else:
                    await connection.execute("SELECT 1", timeout=5)
        finally:
            await _closed(connection.close(timeout=2))

    def _asked_for(self, name: str) -> dict[str, str]:
        asked = {"application_name": name}
        return asked if self._before.is_there else {**asked, **self._settings, "options": self._options}

    async def _settle(self, connection: Any) -> None:
        if self._before.is_there:
            said, values = pooler.saying({**pooler.settings(self._options), **self._settings}, "${}")
            await connection.execute(said, *values)

    def _heard(self, _connection: object, _pid: object, _channel: object, note: object) -> None:
        node, *topics = json.loads(str(note))
        if node != self._node and self._wakeup:
            self._wakeup.hear_from_others(topics)

    async def _hand_out(self, handle: Handler, groups: list[int]) -> None:
        assert self._stop is not None
        pool = await asyncpg.create_pool(
            self._dsn, min_size=2, max_size=3, timeout=5, command_timeout=30,
            # Each time it is taken: the pool resets it when it comes back.
            server_settings=self._asked_for("partitur-queue"), setup=self._settle if self._before.is_there else None,
        )
        threads = ThreadPoolExecutor(THREADS, "partitur-due")
        try:
            manager = QueueManager(
                Queries(AsyncpgPoolDriver(pool), qb.QueryBuilderEnvironment(SETTINGS), _builder,
                        qb.QuerySchedulerBuilder(SETTINGS)),
                SETTINGS.channel,
            )
            hands = Hands(handle, threads)
            for group in groups:
                for kind in Kind:
                    manager.entrypoint(entrypoint(kind, group), accepts_context=False)(hands.take)
            self._live.set()
            running = asyncio.create_task(manager.run(
                dequeue_timeout=timedelta(seconds=5), batch_size=BATCH, max_concurrent_tasks=4 * BATCH,
                heartbeat_timeout=HEARTBEAT, log_aggregation_interval=timedelta(0), shutdown_on_listener_failure=True,
            ))
            stopping = asyncio.create_task(self._stop.wait())
            await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
            manager.shutdown.set()
            stopping.cancel()
            await running
        finally:
            self._live.clear()
            threads.shutdown(wait=False)
            await _closed(asyncio.wait_for(pool.close(), 2))
            pool.terminate()


class Hands:
    """Handles entries in threads. One that waits for its turn answers for equal ones that come meanwhile."""

    def __init__(self, handle: Handler, threads: ThreadPoolExecutor) -> None:
        self._handle = handle
        self._threads = threads
        self._guard = threading.Lock()
        self._waiting: dict[Entry, asyncio.Future[timedelta | None]] = {}

    async def take(self, job: Job) -> None:
        """Handle one entry; raises RetryRequested if it is to come again."""
        entry = _entry(job)
        with self._guard:
            waiting = self._waiting.get(entry)
            if waiting is None:
                loop = asyncio.get_running_loop()
                waiting = self._waiting[entry] = loop.run_in_executor(self._threads, self._begin, entry)
        again = await asyncio.shield(waiting)
        if again is not None:
            raise RetryRequested(delay=again, reason="not done yet")

    def _begin(self, entry: Entry) -> timedelta | None:
        # From here on it looks into the tables: what comes now may tell of something it does not see.
        with self._guard:
            del self._waiting[entry]
        try:
            return self._handle(entry)
        except Unavailable:
            return timedelta(seconds=AGAIN)
        except Exception:
            logger.exception("an entry of the queue could not be handled; a sweep finds it again", entry=entry)
            return None


def entrypoint(kind: Kind, group: int) -> str:
    """PgQueuer's name for entries of a kind and group."""
    return f"{kind}.{group}"


def notes(node: str, topics: Iterable[str]) -> list[str]:
    """The topics as notifications that are short enough; the first thing in each is who tells."""
    found: list[list[str]] = []
    size = LARGEST_NOTE
    for topic in topics:
        length = len(json.dumps(topic)) + 1
        if size + length > LARGEST_NOTE:
            found.append([node])
            size = 40
        found[-1].append(topic)
        size += length
    return [json.dumps(each, separators=(",", ":")) for each in found]


def _for_others(topics: Iterable[str]) -> set[str]:
    # What falls due reaches schedulers through the queue.
    return {topic for topic in topics if not topic.startswith(DUE)}


def _payload(entry: Entry) -> bytes:
    return entry.key.encode()


def _entry(job: Job) -> Entry:
    kind, _, group = str(job.entrypoint).rpartition(".")
    return Entry(Kind(kind), (job.payload or b"").decode(), int(group), _ANY_TIME)


async def _either(event: asyncio.Event, seconds: float) -> None:
    await _first((event,), seconds)


async def _first(events: Iterable[asyncio.Event], seconds: float) -> None:
    """Wait until one of the events is set, or the time is over."""
    waits = {asyncio.ensure_future(event.wait()) for event in events}
    _, left = await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for wait in left:
        wait.cancel()


async def _closed(closing: Awaitable[Any]) -> None:
    """Close what may be broken already."""
    with contextlib.suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        await closing

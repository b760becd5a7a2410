"""Everything that differs between SQLite and PostgreSQL.

SQLite is the default and needs nothing else: one file, write-ahead log, one writer at a time. PostgreSQL serves many
nodes: row locks, `SKIP LOCKED`. Nothing outside this module, and how values are stored (`engine.columns`),
asks which of the two it is.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Executable,
    and_,
    create_engine,
    event,
    select,
    text,
    type_coerce,
)
from sqlalchemy import Engine as SqlEngine
from sqlalchemy import func as sql_functions
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.schema import Table

from engine import outages, pooler, postgres_pool, sighted
from engine.columns import UtcDateTime, from_json, to_json
from engine.errors import Unavailable
from engine.sight import Sight
from engine.sighted import OF_ANY_SIGHT
from engine.sqlite_writer import SqliteWriter
from engine.statements import AnyRow, Prepared, Statements, send, together

POSTGRES_POOL: Mapping[str, Any] = {
    "pool_size": 10, "max_overflow": 20, "pool_timeout": 10, "pool_recycle": 1800, "pool_use_lifo": True,
}
"""At most 30 connections of a process, kept 10. The one used last is used next: its session has what it needs ready."""

LONG_TRANSACTIONS = text(
    "SELECT pid, application_name, coalesce(state, ''), clock_timestamp() - xact_start FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    " AND clock_timestamp() - xact_start > :age ORDER BY xact_start"
).execution_options(**{OF_ANY_SIGHT: True})
HIDDEN_SESSIONS = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    " AND query = '<insufficient privilege>'"
).execution_options(**{OF_ANY_SIGHT: True})
WAITING_FOR_LOCKS = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
).execution_options(**{OF_ANY_SIGHT: True})

class Upsert:
    """An INSERT that updates the row instead when `key` is taken already."""

    def __init__(self, table: Table, key: Sequence[str], update: Sequence[str]) -> None:
        lite = sqlite.insert(table)
        self.sqlite: Executable = lite.on_conflict_do_update(
            index_elements=key, set_={name: lite.excluded[name] for name in update}
        )
        postgres = postgresql.insert(table)
        self.postgresql: Executable = postgres.on_conflict_do_update(
            index_elements=key, set_={name: postgres.excluded[name] for name in update}
        )


class Database:
    """One database. `url` is `sqlite:///path` or `postgresql+psycopg://…`.

    `synchronous` is SQLite's setting of that name: FULL survives a power cut, NORMAL may lose the last commits then
    (never the consistency). Source: https://sqlite.org/pragma.html#pragma_synchronous.
    """

    def __init__(self, url: str, *, synchronous: str = "FULL", busy_timeout: float = 30.0) -> None:
        parsed = make_url(url)
        if parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        self._prepared: dict[Executable | Upsert, Prepared] = {}
        self.pooler = pooler.Pooler()
        if self.is_sqlite:
            # Readers never wait for each other, so there is no reason to make them wait for a connection.
            self.engine = create_engine(parsed, pool_size=10, max_overflow=100,
                                        connect_args={"timeout": busy_timeout, "check_same_thread": False})
            _prepare_sqlite(self.engine, synchronous)
            self._writer = SqliteWriter(self.engine)
        else:
            self.engine = create_engine(
                parsed, json_serializer=to_json, json_deserializer=from_json, **POSTGRES_POOL,
                isolation_level=postgres_pool.ISOLATION, connect_args=postgres_pool.asked_for(parsed),
            )
            postgres_pool.try_rested(self.engine)
            self.pooler.watch(self.engine)
        self._reader = self.engine.execution_options(
            read_only=True, **({} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}))
        self._statements = Statements(self.engine.dialect)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A connection in a writing transaction; commits at the end, rolls back on any error.

        Raises Unavailable if the database is away.
        """
        with _telling_outages(), self._writer if self.is_sqlite else self.engine.connect() as connection:
            connection.begin()
            yield connection
            commit(connection)

    @contextmanager
    def read(self, sight: Sight | None = None) -> Iterator[Connection]:
        """A connection that sees one state of the database, of which what is in `sight`, and must not write.

        Raises Unavailable if the database is away.
        """
        reader = self._reader if sight is None else sighted.reader(self._reader, sight)
        with _telling_outages(), reader.connect() as connection:
            yield connection
            # Not rolled back: then psycopg would forget every statement that is prepared on this connection, so that
            # the next transactions on it, which write, had theirs planned anew.
            connection.commit()

    def execute(self, connection: Connection, statement: Executable | Upsert,
                rows: Sequence[Mapping[str, Any]]) -> None:
        """Write rows, each of which gives the statement's values by name."""
        prepared = self._prepared.get(statement)
        if prepared is None:
            own = statement
            if isinstance(own, Upsert):
                own = own.sqlite if self.is_sqlite else own.postgresql
            prepared = self._prepared[statement] = Prepared(own, self.engine.dialect, rows[0])
        prepared.execute(connection, rows)

    def execute_all(self, connection: Connection,
                    writes: Sequence[tuple[Executable | Upsert, Sequence[Mapping[str, Any]]]]) -> None:
        """Write rows by several statements, in this order; PostgreSQL is asked once for all of them."""
        with nullcontext() if self.is_sqlite or len(writes) < 2 else together(connection):
            for statement, rows in writes:
                self.execute(connection, statement, rows)

    def select(self, connection: Connection, statement: Executable, values: Mapping[str, Any]) -> Sequence[AnyRow]:
        """The rows of a statement, in a writing transaction; one that comes again is compiled once."""
        return self._statements.select(connection, statement, values)

    def json_contains(self, column: ColumnElement[Any], value: str) -> ColumnElement[bool]:
        """Whether the JSON list in a column has this text in it."""
        if self.is_sqlite:
            each = sql_functions.json_each(column).table_valued("value")
            # The column outside, too: by what is inside a function nobody sees which table is needed.
            return and_(column.is_not(None), select(each.c.value).where(each.c.value == value).exists())
        return type_coerce(column, postgresql.JSONB()).contains([value])

    def serialize(self, connection: Connection, name: str) -> None:
        """Let only one transaction at a time go on from here that names the same thing."""
        if not self.is_sqlite:
            connection.execute(select(sql_functions.pg_advisory_xact_lock(zlib.crc32(name.encode()))))

    def try_serialize(self, connection: Connection, name: str) -> bool:
        """Whether no other transaction that names the same thing is under way; then none can be until this one ends."""
        if self.is_sqlite:
            return True
        return bool(connection.scalar(select(sql_functions.pg_try_advisory_xact_lock(zlib.crc32(name.encode())))))

    def clock(self, connection: Connection, now: datetime) -> tuple[datetime, timedelta]:
        """What the database's clock shows, and by how much `now` is ahead of it. SQLite has none of its own."""
        if self.is_sqlite:
            return now, timedelta()
        shown: datetime = connection.execute(select(sql_functions.clock_timestamp(type_=UtcDateTime))).scalar_one()
        return shown, now - shown

    def long_transactions(self, connection: Connection,
                          longer_than: timedelta) -> list[tuple[int, str, str, timedelta]]:
        """Other sessions' transactions that are open for longer than that: process, program, state, age."""
        if self.is_sqlite:
            return []
        return [tuple(row) for row in connection.execute(LONG_TRANSACTIONS, {"age": longer_than})]

    def hidden_sessions(self, connection: Connection) -> int:
        """How many sessions of other accounts there are that this account is told nothing about."""
        return 0 if self.is_sqlite else int(connection.scalar(HIDDEN_SESSIONS) or 0)

    def waiting_for_locks(self, connection: Connection) -> int | None:
        """How many sessions wait for a lock that another one holds; None where the database does not tell."""
        return None if self.is_sqlite else int(connection.scalar(WAITING_FOR_LOCKS) or 0)

    def encoding(self, connection: Connection) -> str:
        """How the database keeps texts; everything but UTF8 lacks letters."""
        return "UTF8" if self.is_sqlite else str(connection.scalar(text("SHOW server_encoding")))

    def wait_for_locks(self, connection: Connection) -> None:
        """Let the rest of this transaction take as long as it takes, waiting for the locks of others included."""
        if not self.is_sqlite:
            connection.execute(text("SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0"))

    def may_be_repeated(self, error: BaseException) -> bool:
        """Whether a transaction failed only because another one was in its way, or because its connection was cut
        before the commit, so that it can be run again."""
        if isinstance(error, Unavailable):
            return isinstance(error.__cause__, DBAPIError) and not error.in_doubt \
                and self.may_be_repeated(error.__cause__)
        if isinstance(error, IntegrityError):
            # Two transactions inserted what may be there only once; run again, the loser finds the row.
            return "UNIQUE" in str(error.orig).upper()
        if isinstance(error, OperationalError) and self.is_sqlite:
            return "locked" in str(error.orig)
        if isinstance(error, DBAPIError):
            return outages.broke_connection(error) or getattr(error.orig, "sqlstate", None) in outages.IN_THE_WAY
        return False

    def close(self) -> None:
        """Give back every connection."""
        if self.is_sqlite:
            self._writer.close()
        self.engine.dispose()


def _prepare_sqlite(engine: SqlEngine, synchronous: str) -> None:
    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        # The driver would begin a transaction at the first write only; we say when (below).
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A transaction that reads first and takes the write lock later could read the same job as free as another
        # process does, and both would take it.
        reading = connection.get_execution_options().get("read_only")
        send(connection, "BEGIN" if reading else "BEGIN IMMEDIATE").close()


@contextmanager
def _telling_outages() -> Iterator[None]:
    try:
        yield
    except (DBAPIError, NoConnectionFree) as error:
        outage = outages.of(error)
        if outage is None:
            raise
        raise outage from error


def commit(connection: Connection) -> None:
    """Commit, or give the connection up: nobody shall find it with the transaction still open.

    Raises Unavailable, `in_doubt` if the connection broke, for then the database may have seen the commit.
    """
    try:
        connection.commit()
    except BaseException as error:
        connection.invalidate()
        outage = outages.of(error, committing=True)
        if outage is None:
            raise
        raise outage from error


def by_code_points(column: ColumnElement[Any], connection: Connection) -> ColumnElement[Any]:
    """A text to be ordered by its code points, as Python orders and SQLite does anyway; PostgreSQL would go by the
    language of its database."""
    return column.collate("BINARY" if connection.dialect.name == "sqlite" else "C")


def ping(connection: Connection) -> None:
    """Ask the database for a sign of life; raises what the driver raises."""
    connection.execute(text("SELECT 1").execution_options(**{OF_ANY_SIGHT: True}))

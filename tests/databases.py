"""Fresh databases on PostgreSQL: copies of one that was set up, and those that a test has left, emptied.

A copy costs a tenth of a second of CPU, an emptied one a tenth of that. It is emptied only if nobody is connected to it
any more, nothing but rows was changed in it, nobody analyzed it, and it has hardly grown; else it is let be.

Who looks at a database after a test, and empties it, keeps a connection to it: a new one costs as much as all it does.
"""

from __future__ import annotations

import uuid
from collections import deque
from contextlib import suppress
from typing import Any

from psycopg import Error as PostgresError
from sqlalchemy import Engine, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError

from engine import postgres_pool
from engine.database import Database
from engine.upgrade import open_schema

KEPT = 8
"""Connections to databases that are in use again and again."""
REST = 3
"""So many stay as they are for a while, lest somebody who is late still writes into them."""
GROWTH = 3_000_000
"""Bytes by which one may have grown."""
CATALOGUES = ("pg_class", "pg_attribute", "pg_index", "pg_trigger", "pg_constraint", "pg_proc", "pg_type",
              "pg_attrdef", "pg_namespace", "pg_extension")
SHAPE = text("SELECT " + ", ".join([
    *(f"(SELECT concat(count(*), ' ', max(xmin::text::bigint)) FROM {name})" for name in CATALOGUES),
    "(SELECT count(*) FROM pg_statistic s JOIN pg_class c ON c.oid = s.starelid WHERE c.oid >= 16384)",
    "(SELECT max(reltuples) FROM pg_class WHERE oid >= 16384)",
    "(SELECT count(*) FROM pg_db_role_setting WHERE setdatabase ="
    " (SELECT oid FROM pg_database WHERE datname = current_database()))"]))
"""What changes whenever anything but rows does: each change of a catalogue has a transaction of its own."""
OTHERS = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
SIZE = text("SELECT pg_database_size(current_database())")


_keepers: dict[str, Engine] = {}


def keeper(url: str) -> Engine | None:
    """The one connection that stays to a database of `Databases`, which prepares what it is asked; None for another."""
    engine = _keepers.pop(url, None)
    if engine is not None:
        _keepers[url] = engine      # used last
    return engine


def _keep(url: str) -> Engine:
    if (engine := keeper(url)) is None:
        # As an engine of ours asks for it, lest the settings of a test's database hold for it; under another name.
        asked = {**postgres_pool.asked_for(make_url(url)), "application_name": "tests", "prepare_threshold": 0}
        engine = _keepers[url] = create_engine(url, pool_size=1, max_overflow=0, pool_pre_ping=True, connect_args=asked)
        event.listen(engine, "connect", _be_no_trigger)
        while len(_keepers) > KEPT:
            _let_go(next(iter(_keepers)))
    return engine


def _be_no_trigger(connection: Any, _record: object) -> None:
    """Let it delete rows in any order. Said once: the plans of a session are made for one role."""
    with suppress(PostgresError), connection.transaction():
        connection.execute("SET session_replication_role = replica")


def _let_go(url: str) -> None:
    if (engine := _keepers.pop(url, None)) is not None:
        engine.dispose()


class Databases:
    """The databases that tests got on one server."""

    def __init__(self, server: str) -> None:
        self._admin = create_engine(Database(server).engine.url, isolation_level="AUTOCOMMIT")
        self._run = uuid.uuid4().hex[:8]
        self._template = f"fresh_{self._run}"
        self.say(f'CREATE DATABASE "{self._template}"')
        prepared = Database(self._address(self._template))
        open_schema(prepared)
        prepared.close()
        self._made: list[str] = []
        self._left: deque[str] = deque()
        self._look_at_template()

    def __call__(self) -> str:
        """The address of a fresh database."""
        while len(self._left) > REST:
            if self._empty(url := self._left.popleft()):
                return url
            _let_go(url)
        self._made.append(f"test_{self._run}_{len(self._made)}")
        self.say(f'CREATE DATABASE "{self._made[-1]}" TEMPLATE "{self._template}"')
        _keep(url := self._address(self._made[-1]))
        return url

    def leave(self, url: str) -> None:
        """The test that had it is over."""
        self._left.append(url)

    def say(self, statement: str) -> None:
        """Run a statement for the server."""
        with self._admin.connect() as connection:
            connection.execute(text(statement))

    def close(self, *, drop: bool) -> None:
        """Leave the server, as it was before if `drop`."""
        for url in list(_keepers):
            _let_go(url)
        for name in [*self._made, self._template] if drop else []:
            self.say(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        self._admin.dispose()

    def _address(self, name: str) -> str:
        return str(self._admin.url.set(database=name).render_as_string(hide_password=False))

    def _look_at_template(self) -> None:
        made = create_engine(self._address(self._template))
        with made.connect() as connection:
            self._shape: Any = connection.execute(SHAPE).one()
            self._size: int = connection.execute(SIZE).scalar_one()
            tables = connection.scalars(text("SELECT quote_ident(relname) FROM pg_class"
                                             " WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'")).all()
            found = {name: connection.scalar(text(f"SELECT json_agg(x)::text FROM {name} x")) for name in tables}
            self._rows = {name: rows for name, rows in found.items() if rows is not None}
        made.dispose()
        self._emptying = "WITH " + ", ".join(f"_{at} AS (DELETE FROM {name})" for at, name in enumerate(tables)) + (
            " SELECT setval(oid, 1, false) FROM pg_class WHERE relkind = 'S' AND oid >= 16384")

    def _empty(self, url: str) -> bool:
        """Whether it is as good as new."""
        try:
            with _keep(url).begin() as connection:
                if (connection.execute(OTHERS).scalar_one() or connection.execute(SHAPE).one() != self._shape
                        or connection.execute(SIZE).scalar_one() > self._size + GROWTH):
                    return False
                connection.exec_driver_sql(self._emptying)
                for name, rows in self._rows.items():
                    filling = f"INSERT INTO {name} SELECT * FROM json_populate_recordset(NULL::{name}, :rows)"
                    connection.execute(text(filling), {"rows": rows})
        except DBAPIError:      # it was dropped, or the tester's server does not let us
            return False
        return True

"""The floor: what the same rows cost when nothing but the driver writes them.

While the engine runs a case on a copy of a database, every statement and every parameter of its transactions is noted.
They are then sent again, to another copy, by sqlite3 or psycopg in a loop: the same reads, the same rows, the same
commits, on one connection. What the engine takes beyond that is its own.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.types.json import set_json_dumps, set_json_loads
from sqlalchemy import event, make_url

from engine.columns import from_json, to_json
from engine.engine import Engine

OWN = ("BEGIN", "COMMIT", "ROLLBACK", "PRAGMA", "SAVEPOINT", "RELEASE")


@dataclass(slots=True)
class Recording:
    """Transactions in the order of their commits; each is statements with their parameters, and whether there are many
    sets of them. One without statements is left out, and one that was rolled back."""

    transactions: list[list[tuple[str, Any, bool]]] = field(default_factory=list)

    @property
    def statements(self) -> int:
        """How many statements there are."""
        return sum(len(each) for each in self.transactions)


@contextmanager
def recording(engine: Engine) -> Iterator[Recording]:
    """Note what an engine sends while the block runs."""
    made, sql = Recording(), engine.database.engine
    pending: dict[int, list[tuple[str, Any, bool]]] = {}

    def note(connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        if not statement.upper().startswith(OWN):
            pending.setdefault(id(connection.connection.driver_connection), []).append((statement, parameters, many))

    def commit(connection: Any) -> None:
        done = pending.pop(id(connection.connection.driver_connection), None)
        if done:
            made.transactions.append(done)

    def rollback(connection: Any) -> None:
        pending.pop(id(connection.connection.driver_connection), None)

    listeners: tuple[tuple[str, Callable[..., Any]], ...] = (
        ("before_cursor_execute", note), ("commit", commit), ("rollback", rollback),
    )
    for name, listener in listeners:
        event.listen(sql, name, listener)
    try:
        yield made
    finally:
        for name, listener in listeners:
            event.remove(sql, name, listener)


def replay(url: str, noted: Recording) -> float:
    """Seconds that the bare driver takes for what was noted, on the database at `url`."""
    return _replay_sqlite(url, noted) if url.startswith("sqlite") else _replay_postgres(url, noted)


def _replay_sqlite(url: str, noted: Recording) -> float:
    connection = sqlite3.connect(make_url(url).database or "", isolation_level=None)
    for setting in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {setting}")
    begin = time.perf_counter()
    for transaction in noted.transactions:
        connection.execute("BEGIN IMMEDIATE")
        for statement, parameters, many in transaction:
            if many:
                connection.executemany(statement, parameters)
            else:
                connection.execute(statement, parameters).fetchall()
        connection.execute("COMMIT")
    taken = time.perf_counter() - begin
    connection.close()
    return taken


def _replay_postgres(url: str, noted: Recording) -> float:
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection:
        set_json_dumps(to_json, connection)
        set_json_loads(from_json, connection)
        cursor = connection.cursor()
        begin = time.perf_counter()
        for transaction in noted.transactions:
            for statement, parameters, many in transaction:
                if many:
                    cursor.executemany(statement, parameters)
                else:
                    cursor.execute(statement, parameters or None)
                    if cursor.description is not None:
                        cursor.fetchall()
            connection.commit()
        return time.perf_counter() - begin

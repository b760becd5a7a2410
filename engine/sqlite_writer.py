"""The connection through which a process writes to SQLite, which has one writer at a time anyway."""

from __future__ import annotations

from sqlalchemy import Connection
from sqlalchemy import Engine as SqlEngine

from engine.fairness import FairLock


class SqliteWriter:
    """One connection for all writing transactions, and turns for the threads that want it.

    Getting a connection from the pool and giving it back costs as much as a small transaction. After an error it is
    closed, and the next transaction opens another one: nobody shall find what somebody else left behind.
    """

    def __init__(self, engine: SqlEngine) -> None:
        self._engine = engine
        self._turns = FairLock()
        self._connection: Connection | None = None

    def __enter__(self) -> Connection:
        self._turns.__enter__()
        try:
            if self._connection is None:
                self._connection = self._engine.connect()
            return self._connection
        except BaseException:
            self._turns.__exit__()
            raise

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        connection = self._connection
        try:
            if connection is not None and (kind is not None or connection.invalidated or connection.in_transaction()):
                self._connection = None
                connection.close()
        finally:
            self._turns.__exit__()

    def close(self) -> None:
        """Give the connection back, once nobody writes."""
        with self._turns:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

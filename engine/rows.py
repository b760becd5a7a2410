"""Rows that a transaction is going to write, gathered so that each table is written once.

A row that is inserted and changed in the same transaction is written once, in its last form; a row that is inserted
and removed is not written at all.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Executable, Insert, Row, Table

from engine import schema
from engine.database import Database, Upsert

AnyRow = Row[*tuple[Any, ...]]
"""A row that was read."""

NewRow = dict[str, Any]
"""A row, or the values of a statement, to be written."""

_INSERTS: dict[Table, Insert] = {table: table.insert() for table in schema.metadata.sorted_tables}


class Rows:
    """The rows that one transaction will insert, change and delete."""

    def __init__(self, database: Database, connection: Connection) -> None:
        self._database = database
        self._connection = connection
        self._inserts: dict[Table, dict[int, NewRow]] = {}
        self._writes: dict[Executable | Upsert, list[NewRow]] = {}

    def insert(self, table: Table, row: NewRow) -> None:
        """Insert a row; it has a `key` and a value for every column."""
        rows = self._inserts.get(table)
        if rows is None:
            self._inserts[table] = {row["key"]: row}
        else:
            rows[row["key"]] = row

    def unwritten(self, table: Table, key: int) -> NewRow | None:
        """The row of this key if it is not written yet; it may be changed in place."""
        rows = self._inserts.get(table)
        return rows.get(key) if rows else None

    def all_unwritten(self, table: Table) -> dict[int, NewRow]:
        """All rows of a table that are not written yet, by key; may be changed and removed."""
        return self._inserts.get(table, {})

    def write(self, statement: Executable | Upsert, values: NewRow) -> None:
        """Run a statement with these values; all values of one statement are sent together, after the inserts."""
        rows = self._writes.get(statement)
        if rows is None:
            self._writes[statement] = [values]
        else:
            rows.append(values)

    def flush(self) -> None:
        """Send everything to the database."""
        if not self._inserts and not self._writes:
            return
        (inserts, self._inserts), (writes, self._writes) = (self._inserts, {}), (self._writes, {})
        todo: list[tuple[Executable | Upsert, list[NewRow]]] = [
            (statement, list(inserts[table].values())) for table, statement in _INSERTS.items() if inserts.get(table)
        ]
        todo += writes.items()
        self._database.execute_all(self._connection, todo)

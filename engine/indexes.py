"""The indexes that the schema says, and those that a database has: one that is gone makes everything slow, and nothing
fails."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, Index, text
from sqlalchemy.schema import DropIndex

from engine import schema
from engine.database import Database
from engine.sighted import OF_ANY_SIGHT

OF_SQLITE = text("SELECT name FROM sqlite_master WHERE type = 'index'").execution_options(**{OF_ANY_SIGHT: True})
OF_POSTGRESQL = text(
    "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
    " WHERE c.relnamespace = current_schema()::regnamespace AND i.indisvalid"
).execution_options(**{OF_ANY_SIGHT: True})
"""Those that are used: what a CREATE INDEX CONCURRENTLY left behind that failed is there, and is asked nothing."""


def lost(database: Database, connection: Connection) -> tuple[str, ...]:
    """The names of ours that are not there, or not used."""
    return tuple(str(index.name) for index in _lost(database, connection))


def make_again(database: Database, connection: Connection) -> tuple[str, ...]:
    """Make those that are lost; their names."""
    made = list(_lost(database, connection))
    for index in made:
        connection.execute(DropIndex(index, if_exists=True))
        index.create(connection)
    return tuple(str(index.name) for index in made)


def _lost(database: Database, connection: Connection) -> Iterator[Index]:
    there = set(connection.scalars(OF_SQLITE if database.is_sqlite else OF_POSTGRESQL))
    for table in schema.metadata.sorted_tables:
        yield from sorted((each for each in table.indexes if each.name not in there), key=lambda each: str(each.name))

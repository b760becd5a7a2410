"""Brings a database to the schema of this version."""

from __future__ import annotations

from engine import schema
from engine.database import Database


def open_schema(database: Database) -> None:
    with database.write() as connection:
        schema.metadata.create_all(connection)
        if connection.exec_driver_sql("select count(*) from key_sequence").scalar() == 0:
            connection.execute(schema.sequence.insert().values(name="key", next=1))

"""The tables of variables and of what they held before; see `engine.schema`."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text, UniqueConstraint

from engine.database import Json, UtcDateTime
from engine.schema.base import metadata

variables = Table(
    "variables", metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("instance_key", BigInteger, nullable=False),
    Column("scope_key", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("value", Json),
    Column("declared", Text),
    Column("lookup", String(64)),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("ended", Boolean, nullable=False, default=False),
    Column("created_revision", Integer),
    Column("created_at", UtcDateTime),
    Column("created_by", Text),
    UniqueConstraint("instance_key", "scope_key", "name"),
    Index("ix_variables_name", "name", "lookup"),
)
"""One row per variable and scope. `scope_key` is the instance's key, or the key of the element instance that owns
the variable; `ended` when that scope is over. `lookup` is the beginning of a scalar's JSON text, so that instances are
found by the value of a variable on either database. `declared` is what a client said of the value (engine.declared).
`created_by` is the element that set it first (NULL: from outside), in the transaction that gave the instance
`created_revision`; all three are NULL where an earlier version of Partitur wrote the row."""

variable_history = Table(
    "variable_history", metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("instance_key", BigInteger, nullable=False),
    Column("scope_key", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("value", Json),
    Column("revision", Integer, nullable=False),
    Column("replaced_at", UtcDateTime, nullable=False),
    Column("replaced_by", Text),
    Column("removed", Boolean, nullable=False, default=False),
    Column("created_revision", Integer),
    Column("created_at", UtcDateTime),
    Column("created_by", Text),
    Index("ix_variable_history_instance", "instance_key", "scope_key", "name", "revision", "removed"),
)
"""What a variable held until another value took its place, or until it was removed (`removed`; then `created_…` are
kept, too, because the row of the variable is gone). Written only when a value is replaced, so that a variable that is
set once costs nothing. `revision` is the instance's in the transaction that replaced it, `replaced_by` the element that
did (NULL: from outside). Transactions in between do not count: a value that was set and replaced in one is not here."""

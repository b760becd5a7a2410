"""The tables of variables and of what they held before; see `engine.schema`."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text, UniqueConstraint, text

from engine.columns import Json, UtcDateTime
from engine.schema.base import metadata

NUMBER = "CASE WHEN lookup >= '-' AND lookup < ':' THEN CAST(lookup AS FLOAT) END"
"""The number that a variable is, NULL for anything else; written as in the index that has them in their order. No other
JSON text begins with a sign between these: a list of signs would make SQLite build a table for each row it writes."""

CUT = "lookup IS NULL OR length(lookup) = 64"
"""Which values the index by `lookup` has only the beginning of, or nothing; written as in the index that has them."""

variables = Table(
    "variables", metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("instance_key", BigInteger, nullable=False),
    Column("scope_key", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("value", Json),
    Column("declared", Text),
    Column("lookup", String(64).with_variant(String(64, collation="C"), "postgresql")),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("ended", Boolean, nullable=False, default=False),
    Column("created_revision", Integer),
    Column("created_at", UtcDateTime),
    Column("created_by", Text),
    UniqueConstraint("instance_key", "scope_key", "name"),
    Index("ix_variables_name", "name", "lookup", "instance_key"),
    Index("ix_variables_cut", "name", "instance_key", sqlite_where=text(CUT), postgresql_where=text(CUT)),
    Index("ix_variables_number", "name", text(f"({NUMBER})"), "instance_key",
          sqlite_where=text(f"({NUMBER}) IS NOT NULL"), postgresql_where=text(f"({NUMBER}) IS NOT NULL")),
)
"""One row per variable and scope. `scope_key` is the instance's key, or the key of the element instance that owns
the variable; `ended` when that scope is over. `lookup` is the beginning of a scalar's JSON text, so that instances are
found by the value of a variable on either database, and ordered by its code points. `declared` is what a client said
of the value (engine.declared). `created_by` is the element that set it first (NULL: from outside), in the transaction
that gave the instance `created_revision`; all three are NULL where an earlier version of Partitur wrote the row."""

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

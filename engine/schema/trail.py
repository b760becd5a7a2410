"""The tables of the audit trail and of the chain that seals it; see `engine.schema` and `engine.chain`."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, String, Table, Text, text

from engine.columns import Json, UtcDateTime
from engine.schema.base import metadata

audit = Table(
    "audit", metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", Text, nullable=False),
    Column("operation", String(64), nullable=False),
    Column("entity", String(32), nullable=False),
    Column("entity_key", BigInteger, nullable=False),
    Column("instance_key", BigInteger),
    Column("reason", Text),
    Column("details", Json),
    Column("before", Json),
    Column("after", Json),
    Column("position", BigInteger),
    Column("hash", String(64)),
    Index("ix_audit_instance", "instance_key", "key"),
    Index("ix_audit_at", "at"),
    Index("ix_audit_actor", "actor", "at"),
    Index("ix_audit_operation", "operation", "at"),
    Index("ux_audit_position", "position", unique=True, sqlite_where=text("position IS NOT NULL"),
          postgresql_where=text("position IS NOT NULL")),
    Index("ix_audit_unsealed", "key", sqlite_where=text("position IS NULL"),
          postgresql_where=text("position IS NULL")),
)
"""Who did what, when and why; appended in the transaction of the act, never changed. `before` and `after` are what the
act changed, where it changed something that has a value. `position` and `hash` are its place in the chain, NULL until
it is sealed, a few seconds later."""

audit_chain = Table(
    "audit_chain", metadata,
    Column("name", String(16), primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("sealed_at", UtcDateTime, nullable=False),
)
"""One row, HEAD: the last entry of the chain, so that entries cut off at its end are missed."""

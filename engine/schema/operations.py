"""The tables of operations: what operators do to one or many instances, planned, carried out and verified."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table, Text, text

from engine.columns import Json, UtcDateTime
from engine.schema.base import metadata

operations = Table(
    "operations", metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(32), nullable=False),
    Column("parameters", Json, nullable=False),
    Column("filter", Text, nullable=False, default=""),
    Column("author", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("total", Integer, nullable=False),
    Column("repeats_key", BigInteger),
    Column("reason", Text),
    Column("applied_by", Text),
    Column("planned_at", UtcDateTime, nullable=False),
    Column("applied_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Index("ix_operations_unfinished", "key", sqlite_where=text("ended_at IS NULL"),
          postgresql_where=text("ended_at IS NULL")),
    Index("ix_operations_ended", "ended_at"),
)
"""One row per operation. `filter` is the query of the address of the list whose instances it froze; `repeats_key` the
operation whose failed items it takes up; `applied_by` who let it be carried out, and `reason` why."""

operation_items = Table(
    "operation_items", metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("operation_key", BigInteger, ForeignKey("operations.key"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("instance_key", BigInteger),
    Column("label", Text),
    Column("state", String(16), nullable=False),
    Column("expected", Json, nullable=False),
    Column("changes", Json, nullable=False),
    Column("effects", Json, nullable=False),
    Column("risky", Boolean, nullable=False, default=False),
    Column("sentence", Text),
    Column("result", Json, nullable=False),
    Column("started_at", UtcDateTime),
    Column("check_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Index("ix_operation_items_position", "operation_key", "position", unique=True),
    Index("ix_operation_items_state", "operation_key", "state", "position"),
    Index("ix_operation_items_instance", "instance_key"),
    Index("ix_operation_items_watched", "check_at", sqlite_where=text("check_at IS NOT NULL"),
          postgresql_where=text("check_at IS NOT NULL")),
)
"""One row per instance of an operation (of a service's hold: one without instance). `label` is what people call it.
`expected`: how it was when it was planned. `changes`: what would change, in words. `effects`: what services may do once
more; `risky` if one of them does harm by that. `result`: what was set going, for the verification."""

operation_parts = Table(
    "operation_parts", metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("operation_key", BigInteger, ForeignKey("operations.key"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("items", Json, nullable=False),
    Index("ix_operation_parts_position", "operation_key", "position", unique=True),
)
"""What a large plan has still to write down: some instances and what people call them, `position` being that of the
first one. A row is gone as soon as its items are there (engine.operations.freezing)."""

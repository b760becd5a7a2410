"""The tables of paused processes; see `engine.schema` and `engine.pausing`."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, String, Table, Text

from engine.columns import Json, UtcDateTime
from engine.schema.base import DEFAULT_TENANT, metadata

pauses = Table(
    "pauses", metadata,
    Column("process_id", String(255), primary_key=True),
    Column("tenant_id", String(64), primary_key=True, default=DEFAULT_TENANT),
    Column("paused_at", UtcDateTime, nullable=False),
    Column("paused_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
)
"""The processes that take no new starts for now, in none of their versions."""

held_starts = Table(
    "held_starts", metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("process_id", String(255), nullable=False),
    Column("tenant_id", String(64), nullable=False, default=DEFAULT_TENANT),
    Column("kind", String(16), nullable=False),
    Column("name", String(255), nullable=False),
    Column("message_key", String(255)),
    Column("business_id", Text),
    Column("variables", Json, nullable=False),
    Column("held_at", UtcDateTime, nullable=False),
    Index("ix_held_starts_process", "process_id", "tenant_id", "key"),
)
"""Events that reached a start event of a paused process: each starts an instance when the process is resumed. `kind`
and `name` are those of its subscription."""

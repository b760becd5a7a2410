"""The tables of messages; see `engine.schema` and `engine.messages`."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, String, Table

from engine.columns import Json, UtcDateTime
from engine.schema.base import DEFAULT_TENANT, metadata

messages = Table(
    "messages", metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("name", String(255), nullable=False),
    Column("correlation_key", String(255)),
    Column("message_id", String(255)),
    Column("tenant_id", String(64), nullable=False, default=DEFAULT_TENANT),
    Column("variables", Json, nullable=False),
    Column("correlated_to", Json, nullable=False),
    Column("published_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Index("ix_messages_name", "name", "correlation_key"),
    Index("ix_messages_expiry", "expires_at"),
)
"""Buffered messages that wait for a subscription (time to live). `correlated_to` lists the ids of the processes that
had it already: each process gets a message once."""

stray_messages = Table(
    "stray_messages", metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("name", String(255), nullable=False),
    Column("correlation_key", String(255)),
    Column("message_id", String(255)),
    Column("tenant_id", String(64), nullable=False, default=DEFAULT_TENANT),
    Column("variables", Json, nullable=False),
    Column("published_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("delivered_to", BigInteger),
    Column("delivered_at", UtcDateTime),
    Index("ix_stray_messages_published", "published_at"),
    Index("ix_stray_messages_name", "name", "correlation_key"),
)
"""Messages that reached nobody, kept for a while so that people see why. One that was not to be kept has expired when
it was published. `delivered_to` is the instance that somebody gave it to by hand later."""

"""The tables of events that come in; see `engine.schema` and `engine.inbound`."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text

from engine.columns import Json, UtcDateTime
from engine.schema.base import metadata

inbound_sources = Table(
    "inbound_sources", metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("name", String(100), nullable=False, unique=True),
    Column("address", Text),
    Column("proof", String(20), nullable=False),
    Column("proof_header", String(100)),
    Column("secret", Text),
    Column("tenant_id", String(64), nullable=False),
    Column("mapping", Json, nullable=False),
    Column("paused", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("received", BigInteger, nullable=False),
    Column("received_at", UtcDateTime),
    Column("trouble", Text),
    Column("trouble_at", UtcDateTime),
)
"""Where events come from: a webhook of ours (`address` is null), or a queue of a broker. `proof` says how a sender
shows that it is one: what it must know is the secret named `secret`. `mapping` says what an event does, in FEEL."""

inbound_received = Table(
    "inbound_received", metadata,
    Column("source_key", BigInteger, primary_key=True, autoincrement=False),
    Column("digest", String(64), primary_key=True),
    Column("received_at", UtcDateTime, nullable=False),
    Index("ix_inbound_received_at", "received_at"),
)
"""The ids of events that were taken, as SHA-256, so that none is taken twice."""

inbound_set_aside = Table(
    "inbound_set_aside", metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("source_key", BigInteger, nullable=False),
    Column("event_id", String(255)),
    Column("digest", String(64)),
    Column("headers", Json, nullable=False),
    Column("body", Text, nullable=False),
    Column("error", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Index("ix_inbound_set_aside_source", "source_key", "key"),
    Index("ix_inbound_set_aside_digest", "source_key", "digest"),
)
"""Events that could not be taken, and why: somebody tries them again or discards them. `body` is as it came, in base64
if it is no text."""

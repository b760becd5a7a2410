"""The tables of events that go out; see `engine.schema` and `engine.events`."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text

from engine.columns import Json, UtcDateTime
from engine.schema.base import metadata

event_targets = Table(
    "event_targets", metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("name", String(100), nullable=False, unique=True),
    Column("address", Text, nullable=False),
    Column("types", Json, nullable=False),
    Column("processes", Json, nullable=False),
    Column("secret", Text),
    Column("paused", Boolean, nullable=False),
    Column("starts_at", UtcDateTime, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("rests_until", UtcDateTime),
    Column("last_error", Text),
    Column("delivered", BigInteger, nullable=False),
    Column("delivered_at", UtcDateTime),
)
"""Where events go. `secret` names the one (`engine.secrets`) that signs them. `failures` in a row let it rest."""

outbox = Table(
    "outbox", metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("target_key", BigInteger, nullable=False),
    Column("target_name", String(255)),
    Column("event_id", String(64), nullable=False),
    Column("type", String(100), nullable=False),
    Column("instance_key", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("body", Json, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("locked_until", UtcDateTime),
    Column("lock_token", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("error", Text),
    Column("dead", Boolean, nullable=False),
    Index("ix_outbox_order", "target_key", "instance_key", "position"),
    Index("ix_outbox_due", "dead", "target_key", "due_at"),
)
"""One row for each event and target until it is delivered. `instance_key` is the event's own key where it belongs to no
instance; `position` is the order within the instance. `target_name`: a diagram named a target that is
not there (`target_key` 0, dead)."""

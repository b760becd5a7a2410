"""Requests that carried an `Idempotency-Key`, so that a repeated one acts once and gets the same answer."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, LargeBinary, PrimaryKeyConstraint, String, Table

from engine.columns import UtcDateTime
from engine.schema.base import metadata

requests = Table(
    "requests", metadata,
    Column("id", String(64), nullable=False),
    Column("call", Integer, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("result", LargeBinary),
    Column("answer", LargeBinary),
    Column("at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("id", "call"),
    Index("ix_requests_at", "at"),
)
"""One row per command that was carried out under a key, written in its transaction: `call` counts the commands of one
request, `result` is what the command gave back. `answer`, of the first row only, is what the caller was sent; it is
written after the commit, so it may be missing. `digest` is of what was asked, `id` of who asked, where, and the key."""

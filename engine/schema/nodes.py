"""The table of the processes that serve: who is alive, where, and what it does."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from engine.columns import Json, UtcDateTime
from engine.schema.base import metadata

nodes = Table(
    "nodes", metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("roles", String(64), nullable=False),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("version", String(32), nullable=False),
    Column("address", Text),
    Column("partitions", Text),
    Column("services", Json, nullable=False),
    Column("clock_ahead", Integer, nullable=False, default=0),
    Column("started_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Index("ix_nodes_seen", "seen_at"),
)
"""One row per process, from its start until it leaves; a row whose `seen_at` grows old is of one that died.
`roles` are of web, worker, scheduler, with commas between; `partitions` as `--partitions` has them, NULL for all;
`services` the job types that it calls; `clock_ahead` by how many milliseconds its clock is ahead of the database's."""

"""The table of what went wrong with jobs; see `engine.schema`."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text

from engine.columns import UtcDateTime
from engine.schema.base import metadata

job_failures = Table(
    "job_failures", metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("instance_key", BigInteger, nullable=False),
    Column("job_key", BigInteger, nullable=False),
    Column("worker", Text),
    Column("retries", Integer, nullable=False),
    Column("message", Text),
    Column("details", Text),
    Column("failed_at", UtcDateTime, nullable=False),
    Index("ix_job_failures_instance", "instance_key"),
    Index("ix_job_failures_job", "job_key", "key"),
)
"""One row per failed attempt of a job, as its worker told it: `details` are long (a stack trace). `retries` is how many
attempts were left then."""

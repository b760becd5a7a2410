"""The table of tenants; see `engine.schema` and `engine.tenants`."""

from __future__ import annotations

from sqlalchemy import Column, Float, Integer, String, Table, Text

from engine.columns import UtcDateTime
from engine.schema.base import metadata

tenants = Table(
    "tenants", metadata,
    Column("id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("description", Text),
    Column("starts_per_second", Integer),
    Column("jobs_at_once", Integer),
    Column("starts_left", Float),
    Column("starts_counted_at", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", Text, nullable=False),
)
"""Every tenant, the default one included. `starts_per_second` is how many instances start for it in a second on request
(NULL: as many as come); of these, `starts_left` were not given to a node at `starts_counted_at`. `jobs_at_once` is how
many of its jobs are in the hands of workers at a time (NULL: as many as they take)."""

"""The table of tenants; see `engine.schema` and `engine.tenants`."""

from __future__ import annotations

from sqlalchemy import Column, Integer, String, Table, Text

from engine.database import UtcDateTime
from engine.schema.base import metadata

tenants = Table(
    "tenants", metadata,
    Column("id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("description", Text),
    Column("starts_per_second", Integer),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", Text, nullable=False),
)
"""Every tenant, the default one included. `starts_per_second` is how many instances one node starts for it in a second
(NULL: as many as come)."""

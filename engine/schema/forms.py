"""The table of forms; see `engine.schema`."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, String, Table, Text, UniqueConstraint

from engine.columns import UtcDateTime
from engine.schema.base import DEFAULT_TENANT, metadata

forms = Table(
    "forms", metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("form_id", String(255), nullable=False),
    Column("version", Integer, nullable=False),
    Column("version_tag", Text),
    Column("resource_key", BigInteger, ForeignKey("resources.key"), nullable=False),
    Column("resource_name", Text, nullable=False),
    Column("deployment_key", BigInteger, ForeignKey("deployments.key"), nullable=False, index=True),
    Column("checksum", String(64), nullable=False),
    Column("tenant_id", String(64), nullable=False, default=DEFAULT_TENANT),
    Column("deployed_at", UtcDateTime, nullable=False),
    UniqueConstraint("tenant_id", "form_id", "version"),
)
"""One row per version of a Camunda Form; never changed. Its JSON is in `resources`. Forms that stand in a diagram are
versions of nothing: they belong to it."""

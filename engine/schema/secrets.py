"""The table of secrets; see `engine.schema`."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, String, Table, Text

from engine.columns import UtcDateTime
from engine.schema.base import metadata

secrets = Table(
    "secrets", metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("name", String(255), nullable=False, unique=True),
    Column("ciphertext", Text, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("changed_by", Text, nullable=False),
)
"""What diagrams name as `{{secrets.NAME}}`, encrypted (`engine.keyring`). The value is nowhere else."""

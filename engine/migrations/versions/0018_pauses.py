"""Processes that take no new starts for now, and the events that would have started instances meanwhile."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from engine.columns import Json, UtcDateTime

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Two tables, empty at first."""
    op.create_table(
        "pauses",
        sa.Column("process_id", sa.String(length=255), nullable=False),
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("paused_at", UtcDateTime(), nullable=False),
        sa.Column("paused_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("process_id", "tenant_id"),
    )
    op.create_table(
        "held_starts",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("process_id", sa.String(length=255), nullable=False),
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("message_key", sa.String(length=255), nullable=True),
        sa.Column("business_id", sa.Text(), nullable=True),
        sa.Column("variables", Json(), nullable=False),
        sa.Column("held_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("ix_held_starts_process", "held_starts", ["process_id", "tenant_id", "key"], unique=False)

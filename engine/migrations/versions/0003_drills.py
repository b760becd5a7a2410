"""Services that nodes publish, and compensation drills."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from engine.columns import Json, UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "services",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("contract", Json(), nullable=False),
        sa.Column("published_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "drills",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("definition_key", sa.BigInteger(), nullable=False),
        sa.Column("drilled_at", UtcDateTime(), nullable=False),
        sa.Column("drilled_by", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("remained", sa.Integer(), nullable=False),
        sa.Column("unreached", sa.Integer(), nullable=False),
        sa.Column("clean", sa.Boolean(), nullable=False),
        sa.Column("report", Json(), nullable=False),
        sa.ForeignKeyConstraint(["definition_key"], ["definitions.key"]),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("ix_drills_definition", "drills", ["definition_key", "drilled_at"], unique=False)

"""How long the history of ended instances is kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the days to the definitions, and find what ended long ago."""
    op.add_column("definitions", sa.Column("history_days", sa.Integer(), nullable=True))
    op.create_index(
        "ix_instances_ended", "instances", ["definition_key", "ended_at"], unique=False,
        sqlite_where=sa.text("ended_at IS NOT NULL AND parent_key IS NULL"),
        postgresql_where=sa.text("ended_at IS NOT NULL AND parent_key IS NULL"),
    )

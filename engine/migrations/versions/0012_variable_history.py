"""What variables held before, and who set them first."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from engine.columns import Json, UtcDateTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a table, and three columns to variables."""
    op.add_column("variables", sa.Column("created_revision", sa.Integer()))
    op.add_column("variables", sa.Column("created_at", UtcDateTime()))
    op.add_column("variables", sa.Column("created_by", sa.Text()))
    op.create_table(
        "variable_history",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("instance_key", sa.BigInteger(), nullable=False),
        sa.Column("scope_key", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", Json()),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("replaced_at", UtcDateTime(), nullable=False),
        sa.Column("replaced_by", sa.Text()),
        sa.Column("removed", sa.Boolean(), nullable=False),
        sa.Column("created_revision", sa.Integer()),
        sa.Column("created_at", UtcDateTime()),
        sa.Column("created_by", sa.Text()),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("ix_variable_history_instance", "variable_history",
                    ["instance_key", "scope_key", "name", "revision", "removed"], unique=False)

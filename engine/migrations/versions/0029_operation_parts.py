"""What a large plan has still to write down."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from engine.columns import Json

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One table, empty at first."""
    op.create_table(
        "operation_parts",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("operation_key", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("items", Json(), nullable=False),
        sa.ForeignKeyConstraint(["operation_key"], ["operations.key"]),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("ix_operation_parts_position", "operation_parts", ["operation_key", "position"], unique=True)

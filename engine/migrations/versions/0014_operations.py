"""Operations: plans, what was carried out, and what became of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from engine.columns import Json, UtcDateTime

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the two tables."""
    op.create_table(
        "operations",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("parameters", Json(), nullable=False),
        sa.Column("filter", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("repeats_key", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("applied_by", sa.Text(), nullable=True),
        sa.Column("planned_at", UtcDateTime(), nullable=False),
        sa.Column("applied_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("ix_operations_unfinished", "operations", ["key"], unique=False,
                    sqlite_where=sa.text("ended_at IS NULL"), postgresql_where=sa.text("ended_at IS NULL"))
    op.create_table(
        "operation_items",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("operation_key", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("instance_key", sa.BigInteger(), nullable=True),
        sa.Column("label", sa.Text(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("expected", Json(), nullable=False),
        sa.Column("changes", Json(), nullable=False),
        sa.Column("effects", Json(), nullable=False),
        sa.Column("risky", sa.Boolean(), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=True),
        sa.Column("result", Json(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("check_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["operation_key"], ["operations.key"]),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("ix_operation_items_position", "operation_items", ["operation_key", "position"], unique=True)
    op.create_index("ix_operation_items_state", "operation_items", ["operation_key", "state", "position"],
                    unique=False)
    op.create_index("ix_operation_items_instance", "operation_items", ["instance_key"], unique=False)
    op.create_index("ix_operation_items_watched", "operation_items", ["check_at"], unique=False,
                    sqlite_where=sa.text("check_at IS NOT NULL"),
                    postgresql_where=sa.text("check_at IS NOT NULL"))

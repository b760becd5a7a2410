"""What one person asked for, and another one has to approve."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from engine.columns import Json, UtcDateTime

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Three tables, empty at first."""
    op.create_table(
        "approvals",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("operation_key", sa.BigInteger(), nullable=True),
        sa.Column("deployment_key", sa.BigInteger(), nullable=True),
        sa.Column("tenant_id", sa.String(length=64), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=True),
        sa.Column("content", Json(), nullable=False),
        sa.Column("requester", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("requested_at", UtcDateTime(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("ix_approvals_waiting", "approvals", ["key"], unique=False,
                    sqlite_where=sa.text("decided_at IS NULL"), postgresql_where=sa.text("decided_at IS NULL"))
    op.create_index("ix_approvals_operation", "approvals", ["operation_key"], unique=False)
    op.create_table(
        "approval_files",
        sa.Column("approval_key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["approval_key"], ["approvals.key"]),
        sa.PrimaryKeyConstraint("approval_key", "position"),
    )
    op.create_table(
        "approval_subjects",
        sa.Column("approval_key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("definition_id", sa.String(length=255), nullable=False),
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["approval_key"], ["approvals.key"]),
        sa.PrimaryKeyConstraint("approval_key", "definition_id"),
    )

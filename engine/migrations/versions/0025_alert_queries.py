"""Alerts on any list and any metric; who is telling of one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from engine.columns import UtcDateTime

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Three columns, one table."""
    op.add_column("alert_rules", sa.Column("query", sa.Text(), nullable=True))
    op.add_column("alert_rules", sa.Column("within_seconds", sa.Integer(), nullable=False, server_default="300"))
    op.add_column("alert_rules", sa.Column("telling_until", UtcDateTime(), nullable=True))
    op.create_table(
        "alert_samples",
        sa.Column("rule_key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("node", sa.String(length=32), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("total", sa.Float(), nullable=False),
        sa.Column("times", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("rule_key", "node", "at"),
    )

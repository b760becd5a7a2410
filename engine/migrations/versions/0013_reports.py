"""Figures of reports, kept views of lists, since when elements were looked at, and variables found by their names."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from engine.columns import Json, UtcDateTime

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

COUNTS = ("started", "completed", "terminated")
SUMS = ("engine_ms", "service_ms", "queue_ms", "waiting_ms")


def upgrade() -> None:
    """Add them; the reports learn what there is in the background."""
    op.add_column("element_durations", sa.Column("since", UtcDateTime(), nullable=True))
    op.drop_index("ix_variables_lookup", "variables")
    op.create_index("ix_variables_name", "variables", ["name", "lookup"], unique=False)
    op.create_table(
        "report_figures",
        sa.Column("definition_key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("element_id", sa.String(255), nullable=False),
        sa.Column("grain", sa.String(4), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in COUNTS),
        sa.Column("total_ms", sa.BigInteger(), nullable=False),
        sa.Column("longest_ms", sa.BigInteger(), nullable=False),
        sa.Column("stays", Json(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("retries", sa.Integer(), nullable=False),
        sa.Column("undone", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in SUMS),
        sa.PrimaryKeyConstraint("definition_key", "element_id", "grain", "at"),
    )
    op.create_index("ix_report_figures_at", "report_figures", ["grain", "at"], unique=False)
    op.create_table(
        "report_progress",
        sa.Column("name", sa.String(16), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("key", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "saved_views",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("ix_saved_views_owner", "saved_views", ["owner"], unique=False)
    op.create_index("ix_saved_views_shared", "saved_views", ["shared"], unique=False)

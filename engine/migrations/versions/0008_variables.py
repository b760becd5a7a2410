"""What clients say of variables, and every failed attempt of a job."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from engine.columns import UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and the table."""
    op.add_column("variables", sa.Column("declared", sa.Text(), nullable=True))
    op.add_column("deferred", sa.Column("declared", sa.Text(), nullable=True))
    op.create_table(
        "job_failures",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("instance_key", sa.BigInteger(), nullable=False),
        sa.Column("job_key", sa.BigInteger(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("retries", sa.Integer(), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("details", sa.Text(), nullable=True),
        sa.Column("failed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("ix_job_failures_instance", "job_failures", ["instance_key"], unique=False)
    op.create_index("ix_job_failures_job", "job_failures", ["job_key", "key"], unique=False)

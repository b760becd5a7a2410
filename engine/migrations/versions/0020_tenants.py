"""Tenants, and what is due found by them."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from engine.columns import UtcDateTime

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

DEFAULT = "<default>"
TO_HAND_OUT = sa.text("state = 'CREATED' AND NOT suspended")
ARMED = sa.text("NOT suspended")


def upgrade() -> None:
    """Add the table with the one tenant that there was, and lead two indexes by the tenant."""
    tenants = op.create_table(
        "tenants",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("starts_per_second", sa.Integer(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.bulk_insert(tenants, [{"id": DEFAULT, "name": "Default", "description": None, "starts_per_second": None,
                              "created_at": datetime.now(UTC), "created_by": "system"}])
    # All that there is belongs to the one tenant that there was.
    op.add_column("timers", sa.Column("tenant_id", sa.String(64), nullable=False, server_default=DEFAULT))
    op.drop_index("ix_timers_due", "timers")
    op.create_index("ix_timers_due", "timers", ["tenant_id", "due_at", "key"], unique=False, sqlite_where=ARMED,
                    postgresql_where=ARMED)
    op.drop_index("ix_jobs_due", "jobs")
    op.create_index("ix_jobs_due", "jobs", ["type", "tenant_id", sa.text("priority DESC"), "due_at", "key"],
                    unique=False, sqlite_where=TO_HAND_OUT, postgresql_where=TO_HAND_OUT)

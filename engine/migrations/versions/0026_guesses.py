"""Wrong passwords and starts of tenants counted by all nodes together, and how many jobs of a tenant run at once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from engine.columns import UtcDateTime

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One table, empty at first, and three columns of tenants."""
    op.create_table(
        "guesses",
        sa.Column("who", sa.String(length=64), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("last_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("who"),
    )
    op.create_index("ix_guesses_last_at", "guesses", ["last_at"], unique=False)
    op.add_column("tenants", sa.Column("jobs_at_once", sa.Integer(), nullable=True))
    op.add_column("tenants", sa.Column("starts_left", sa.Float(), nullable=True))
    op.add_column("tenants", sa.Column("starts_counted_at", UtcDateTime(), nullable=True))

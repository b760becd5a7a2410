"""Operations that were kept long enough are found by when they ended."""

from __future__ import annotations

from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make one index on a table with few rows."""
    op.create_index("ix_operations_ended", "operations", ["ended_at"], unique=False)

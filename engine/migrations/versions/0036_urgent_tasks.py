"""Open tasks are read in the order in which they are shown, as far as the page goes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

OPEN = "state = 'CREATED'"
ORDER = ("priority DESC", "(due_at IS NULL)", "due_at", "created_at", "key")


def upgrade() -> None:
    """Make one index of open tasks."""
    op.create_index("ix_user_tasks_urgent", "user_tasks", [sa.text(part) for part in ORDER], unique=False,
                    sqlite_where=sa.text(OPEN), postgresql_where=sa.text(OPEN))

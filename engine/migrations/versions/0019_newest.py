"""The newest evaluations of a decision, and what is open of a kind of failure."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Replace one index, add one."""
    op.drop_index("ix_decision_evaluations_decision", "decision_evaluations")
    op.create_index("ix_decision_evaluations_newest", "decision_evaluations", ["decision_key", "evaluated_at", "key"],
                    unique=False)
    op.create_index("ix_incidents_alike", "incidents", ["fingerprint"], unique=False,
                    sqlite_where=sa.text("state = 'ACTIVE'"), postgresql_where=sa.text("state = 'ACTIVE'"))

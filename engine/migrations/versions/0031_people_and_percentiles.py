"""Who asked for an approval, whatever the name; and the buckets that alerts on percentiles are read from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from engine.columns import Json

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add two columns. Of what waits for an approval only the name is known."""
    op.add_column("approvals", sa.Column("requester_person", sa.Text(), nullable=True))
    op.add_column("alert_samples", sa.Column("buckets", Json(), nullable=True))

"""The values that the index of variables has only the beginning of, or nothing."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add one index."""
    there = sa.text("lookup IS NULL OR length(lookup) = 64")
    op.create_index("ix_variables_cut", "variables", ["name", "instance_key"], unique=False, sqlite_where=there,
                    postgresql_where=there)

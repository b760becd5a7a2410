"""The numbers among the variables, in an index that costs a quarter as much to write."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

NUMBER = "(CASE WHEN lookup >= '-' AND lookup < ':' THEN CAST(lookup AS FLOAT) END)"


def upgrade() -> None:
    """Replace one index."""
    op.drop_index("ix_variables_number", "variables")
    there = sa.text(f"{NUMBER} IS NOT NULL")
    op.create_index("ix_variables_number", "variables", ["name", sa.text(NUMBER), "instance_key"], unique=False,
                    sqlite_where=there, postgresql_where=there)

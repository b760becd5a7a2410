"""The process that a start key was given for, which stays when the instance moves to another process."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

GIVEN = "start_key IS NOT NULL"


def upgrade() -> None:
    """Add the column, fill it where there is a start key, and make the index by it."""
    op.add_column("instances", sa.Column("start_process_id", sa.String(255), nullable=True))
    op.execute(f"UPDATE instances SET start_process_id = process_id WHERE {GIVEN}")
    op.drop_index("ux_instances_start_key", "instances")
    op.create_index("ux_instances_start_key", "instances", ["tenant_id", "start_process_id", "start_key"], unique=True,
                    sqlite_where=sa.text(GIVEN), postgresql_where=sa.text(GIVEN))

"""The orders that lists of a million instances are read in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Replace two indexes, add five."""
    op.drop_index("ix_instances_process", "instances")
    op.create_index("ix_instances_state_started", "instances", ["state", "started_at"], unique=False)
    op.create_index("ix_instances_process_started", "instances", ["process_id", "started_at"], unique=False)
    op.create_index("ix_instances_definition_started", "instances", ["definition_key", "started_at"], unique=False)
    op.create_index("ix_instances_suspended", "instances", ["definition_key"], unique=False,
                    sqlite_where=sa.text("suspended_at IS NOT NULL"),
                    postgresql_where=sa.text("suspended_at IS NOT NULL"))
    for table, name, columns in (("instances", "ix_instances_live", ["process_id", "key"]),
                                 ("element_instances", "ix_element_instances_at_work", ["instance_key", "position"])):
        op.create_index(name, table, columns, unique=False, sqlite_where=sa.text("state = 'ACTIVE'"),
                        postgresql_where=sa.text("state = 'ACTIVE'"))
    op.drop_index("ix_instances_finished", "instances")
    op.create_index("ix_instances_finished", "instances", ["ended_at"], unique=False)

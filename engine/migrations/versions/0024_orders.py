"""The orders that lists of a million instances are read in, and the numbers among the variables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

NUMBER = ("(CASE WHEN substr(lookup, 1, 1) IN ('-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9') "
          "THEN CAST(lookup AS FLOAT) END)")


def upgrade() -> None:
    """Replace one index, add six."""
    op.create_index("ix_instances_version", "instances", ["version", "started_at"], unique=False)
    op.create_index("ix_instances_tenant", "instances", ["tenant_id", "started_at"], unique=False)
    _some("ix_instances_end_reason", "instances", ["end_reason", "key"], "end_reason IS NOT NULL")
    _some("ix_instances_duration", "instances", [sa.text("(ended_at - started_at)"), "key"], "ended_at IS NOT NULL")
    _some("ix_instances_tags", "instances", [sa.text("(CAST(tags AS TEXT))"), "key"], "CAST(tags AS TEXT) <> 'null'")
    op.drop_index("ix_variables_name", "variables")
    if op.get_bind().dialect.name == "postgresql":
        # By code points, as on SQLite, so that an index finds which texts are less than another.
        op.alter_column("variables", "lookup", type_=sa.String(64, collation="C"))
    op.create_index("ix_variables_name", "variables", ["name", "lookup", "instance_key"], unique=False)
    _some("ix_variables_number", "variables", ["name", sa.text(NUMBER), "instance_key"], f"{NUMBER} IS NOT NULL")


def _some(name: str, table: str, columns: list[str | sa.TextClause], there: str) -> None:
    op.create_index(name, table, columns, unique=False, sqlite_where=sa.text(there), postgresql_where=sa.text(there))

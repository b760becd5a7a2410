"""How long is kept what decisions said that were asked for no instance; and requests of more than 32,767 commands."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

ALONE = "instance_key IS NULL"


def upgrade() -> None:
    """Add the column and the index; widen the number of a command, which SQLite has no widths of."""
    op.add_column("decisions", sa.Column("history_days", sa.Integer(), nullable=True))
    op.create_index("ix_decision_evaluations_alone", "decision_evaluations", ["decision_key", "evaluated_at"],
                    unique=False, sqlite_where=sa.text(ALONE), postgresql_where=sa.text(ALONE))
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("requests", "call", type_=sa.Integer())

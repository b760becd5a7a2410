"""Processes that serve, and on PostgreSQL the tables of the queue between them.

The latter are PgQueuer 1.6's as its installer makes them, with the prefix `partitur_` and unlogged: the engine's own
tables hold the truth. A later PgQueuer gets a revision of its own.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import op

from engine.columns import Json, UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

QUEUE = Path(__file__).parents[1] / "queue" / "pgqueuer-1.6.0.sql"


def upgrade() -> None:
    """Create them."""
    op.create_table(
        "nodes",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("roles", sa.String(64), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("version", sa.String(32), nullable=False),
        sa.Column("address", sa.Text()),
        sa.Column("partitions", sa.Text()),
        sa.Column("services", Json(), nullable=False),
        sa.Column("clock_ahead", sa.Integer(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("ix_nodes_seen", "nodes", ["seen_at"])
    if op.get_bind().dialect.name == "postgresql":
        for statement in QUEUE.read_text().split("\n--\n"):
            op.get_bind().exec_driver_sql(statement)

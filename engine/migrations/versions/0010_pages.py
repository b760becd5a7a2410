"""Fingerprints of incidents, learned durations of elements, and the orders that the console's lists are read in."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from engine import fingerprints
from engine.columns import UtcDateTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

AT_ONCE = 1000


def _only(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    """Add them; open incidents get their fingerprint, closed ones are told of nowhere."""
    op.add_column("incidents", sa.Column("fingerprint", sa.String(16), nullable=False, server_default=""))
    op.create_index("ix_incidents_fingerprint", "incidents", ["fingerprint", "created_at"], unique=False)
    op.create_index("ix_incidents_created", "incidents", ["created_at"], unique=False)
    op.create_index("ix_incidents_resolved", "incidents", ["resolved_at"], unique=False,
                    **_only("resolved_at IS NOT NULL"))
    op.create_index("ix_instances_finished", "instances", ["ended_at"], unique=False, **_only("ended_at IS NOT NULL"))
    op.drop_index("ix_instances_definition", "instances")
    op.create_index("ix_instances_definition", "instances", ["definition_key", "state", "key"], unique=False)
    op.drop_index("ix_element_instances_active", "element_instances")
    op.create_index("ix_element_instances_active", "element_instances", ["definition_key", "element_id", "started_at"],
                    unique=False, **_only("state = 'ACTIVE'"))
    op.create_table(
        "element_durations",
        sa.Column("definition_key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("element_id", sa.String(255), nullable=False),
        sa.Column("samples", sa.Integer(), nullable=False),
        sa.Column("median_ms", sa.BigInteger(), nullable=False),
        sa.Column("p95_ms", sa.BigInteger(), nullable=False),
        sa.Column("p99_ms", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("retries", sa.Integer(), nullable=False),
        sa.Column("late_before", UtcDateTime(), nullable=True),
        sa.Column("learned_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("definition_key", "element_id"),
    )
    _fingerprint()


def _fingerprint() -> None:
    connection = op.get_bind()
    rows = connection.execute(sa.text(
        "SELECT n.key, n.type, n.message, j.type AS service FROM incidents n LEFT JOIN jobs j ON j.key = n.job_key "
        "WHERE n.state = 'ACTIVE'")).mappings().all()
    statement = sa.text("UPDATE incidents SET fingerprint = :fingerprint WHERE key = :key")
    for first in range(0, len(rows), AT_ONCE):
        connection.execute(statement, [
            {"key": row["key"], "fingerprint": fingerprints.of(row["service"], row["type"], row["message"])}
            for row in rows[first:first + AT_ONCE]
        ])

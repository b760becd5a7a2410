"""The audit trail as a chain, with what an act changed; care for incidents; messages that reached nobody."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from engine.columns import Json, UtcDateTime

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

SEALED = sa.text("position IS NOT NULL")
UNSEALED = sa.text("position IS NULL")
OPEN = sa.text("state = 'ACTIVE'")
SNOOZED = sa.text("state = 'ACTIVE' AND snoozed_until IS NOT NULL")


def upgrade() -> None:
    """Add them; entries of the audit trail that are there already are sealed as they are, in the background."""
    for name, kind in (("before", Json()), ("after", Json()), ("position", sa.BigInteger()), ("hash", sa.String(64))):
        op.add_column("audit", sa.Column(name, kind, nullable=True))
    op.create_index("ix_audit_actor", "audit", ["actor", "at"], unique=False)
    op.create_index("ix_audit_operation", "audit", ["operation", "at"], unique=False)
    op.create_index("ux_audit_position", "audit", ["position"], unique=True, sqlite_where=SEALED,
                    postgresql_where=SEALED)
    op.create_index("ix_audit_unsealed", "audit", ["key"], unique=False, sqlite_where=UNSEALED,
                    postgresql_where=UNSEALED)
    op.create_table(
        "audit_chain",
        sa.Column("name", sa.String(16), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("sealed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    for name, column in (("acknowledged_at", UtcDateTime()), ("acknowledged_by", sa.Text()), ("assignee", sa.Text()),
                         ("snoozed_until", UtcDateTime()), ("ticket", sa.Text())):
        op.add_column("incidents", sa.Column(name, column, nullable=True))
    op.create_index("ix_incidents_assignee", "incidents", ["assignee"], unique=False, sqlite_where=OPEN,
                    postgresql_where=OPEN)
    op.create_index("ix_incidents_snoozed", "incidents", ["instance_key", "snoozed_until"], unique=False,
                    sqlite_where=SNOOZED, postgresql_where=SNOOZED)
    op.create_table(
        "incident_notes",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("incident_key", sa.BigInteger(), nullable=False),
        sa.Column("instance_key", sa.BigInteger(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("ix_incident_notes_incident", "incident_notes", ["incident_key", "key"], unique=False)
    op.create_index("ix_incident_notes_instance", "incident_notes", ["instance_key"], unique=False)
    op.create_table(
        "stray_messages",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("correlation_key", sa.String(255), nullable=True),
        sa.Column("message_id", sa.String(255), nullable=True),
        sa.Column("tenant_id", sa.String(64), nullable=False),
        sa.Column("variables", Json(), nullable=False),
        sa.Column("published_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("delivered_to", sa.BigInteger(), nullable=True),
        sa.Column("delivered_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("ix_stray_messages_published", "stray_messages", ["published_at"], unique=False)
    op.create_index("ix_stray_messages_name", "stray_messages", ["name", "correlation_key"], unique=False)

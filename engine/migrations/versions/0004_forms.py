"""Schema of forms."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from engine.columns import UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of forms; a user task keeps which one it was created with."""
    op.create_table(
        "forms",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("form_id", sa.String(length=255), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("version_tag", sa.Text(), nullable=True),
        sa.Column("resource_key", sa.BigInteger(), nullable=False),
        sa.Column("resource_name", sa.Text(), nullable=False),
        sa.Column("deployment_key", sa.BigInteger(), nullable=False),
        sa.Column("checksum", sa.String(length=64), nullable=False),
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("deployed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["deployment_key"], ["deployments.key"]),
        sa.ForeignKeyConstraint(["resource_key"], ["resources.key"]),
        sa.PrimaryKeyConstraint("key"),
        sa.UniqueConstraint("tenant_id", "form_id", "version"),
    )
    op.create_index("ix_forms_deployment_key", "forms", ["deployment_key"])
    op.add_column("user_tasks", sa.Column("bound_form", sa.BigInteger(), nullable=True))

"""The second factor of local users, and what a session knows of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from engine.columns import UtcDateTime

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Four tables, empty at first, and two columns of sessions: nobody who is logged in has shown one."""
    op.create_table(
        "second_factors",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("salt", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_index("ix_recovery_codes_name", "recovery_codes", ["name"], unique=False)
    op.create_table(
        "factor_setups",
        sa.Column("browser", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("browser"),
    )
    op.create_index("ix_factor_setups_expires_at", "factor_setups", ["expires_at"], unique=False)
    op.create_table(
        "half_log_ins",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("stamp", sa.String(length=64), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_index("ix_half_log_ins_expires_at", "half_log_ins", ["expires_at"], unique=False)
    op.add_column("sessions", sa.Column("with_factor", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("sessions", sa.Column("confirmed_at", UtcDateTime(), nullable=True))

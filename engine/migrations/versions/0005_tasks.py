"""User tasks: owners, candidates that can be searched, filters, drafts and comments."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from engine.columns import Json, UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

OPEN = sa.text("state = 'CREATED'")


def upgrade() -> None:
    """Add the columns and tables, and fill in the candidates of open tasks."""
    for name, type in (("description", sa.Text()), ("owner", sa.Text()), ("delegation", sa.String(length=16)),
                       ("changed_at", UtcDateTime())):
        op.add_column("user_tasks", sa.Column(name, type, nullable=True))
    for name, columns in (("ix_user_tasks_due", ["due_at"]), ("ix_user_tasks_process", ["process_id", "element_id"])):
        op.create_index(name, "user_tasks", columns, unique=False, sqlite_where=OPEN, postgresql_where=OPEN)
    candidates = op.create_table(
        "task_candidates",
        sa.Column("task_key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("task_key", "kind", "name"),
    )
    op.create_index("ix_task_candidates_name", "task_candidates", ["kind", "name", "task_key"], unique=False)
    _fill(candidates)
    op.create_table(
        "task_filters",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("criteria", Json(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("ix_task_filters_owner", "task_filters", ["owner"], unique=False)
    op.create_index("ix_task_filters_shared", "task_filters", ["shared"], unique=False)
    op.create_table(
        "task_drafts",
        sa.Column("task_key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("content", Json(), nullable=False),
        sa.Column("seen", Json(), nullable=False),
        sa.Column("kept_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("task_key", "person"),
    )
    op.create_table(
        "task_comments",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("task_key", sa.BigInteger(), nullable=False),
        sa.Column("instance_key", sa.BigInteger(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("ix_task_comments_task", "task_comments", ["task_key"], unique=False)


def _fill(candidates: sa.Table) -> None:
    tasks = sa.table("user_tasks", sa.column("key"), sa.column("ended_at"), sa.column("candidate_users", Json()),
                     sa.column("candidate_groups", Json()))
    connection = op.get_bind()
    statement = sa.select(tasks.c.key, tasks.c.candidate_users, tasks.c.candidate_groups)
    for part in connection.execute(statement.where(tasks.c.ended_at.is_(None))).partitions(1000):
        rows = [{"task_key": row.key, "kind": kind, "name": name} for row in part
                for kind, names in (("USER", row.candidate_users), ("GROUP", row.candidate_groups))
                for name in dict.fromkeys(names)]
        if rows:
            connection.execute(candidates.insert(), rows)

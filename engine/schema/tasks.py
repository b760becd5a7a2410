"""The tables of user tasks, and of what people keep beside them: filters, drafts, comments; see `engine.schema`."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, SmallInteger, String, Table, Text, text

from engine.columns import Json, UtcDateTime, Word
from engine.schema.base import DEFAULT_TENANT, metadata

_OPEN = text("state = 'CREATED'")
URGENT = ("priority DESC", "(due_at IS NULL)", "due_at", "created_at", "key")
"""The order in which open tasks are shown when nobody says another (`engine.queries.tasks.SORTS`)."""

user_tasks = Table(
    "user_tasks", metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("instance_key", BigInteger, nullable=False),
    Column("element_instance_key", BigInteger, nullable=False),
    Column("definition_key", BigInteger, nullable=False),
    Column("process_id", String(255), nullable=False),
    Column("element_id", String(255), nullable=False),
    Column("partition_key", SmallInteger, nullable=False),
    Column("tenant_id", String(64), nullable=False, default=DEFAULT_TENANT),
    Column("name", Text),
    Column("description", Text),
    Column("state", Word(16), nullable=False),
    Column("assignee", Text),
    Column("owner", Text),
    Column("delegation", String(16)),
    Column("candidate_users", Json, nullable=False),
    Column("candidate_groups", Json, nullable=False),
    Column("due_at", UtcDateTime),
    Column("follow_up_at", UtcDateTime),
    Column("priority", Integer, nullable=False, default=50),
    Column("form_key", Text),
    Column("bound_form", BigInteger),
    Column("created_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Index("ix_user_tasks_open", "assignee", "created_at", sqlite_where=_OPEN, postgresql_where=_OPEN),
    Index("ix_user_tasks_due", "due_at", sqlite_where=_OPEN, postgresql_where=_OPEN),
    Index("ix_user_tasks_process", "process_id", "element_id", sqlite_where=_OPEN, postgresql_where=_OPEN),
    Index("ix_user_tasks_urgent", *map(text, URGENT), sqlite_where=_OPEN, postgresql_where=_OPEN),
    Index("ix_user_tasks_instance", "instance_key"),
    Index("ix_user_tasks_element_instance", "element_instance_key"),
)
"""`owner` and `delegation` (PENDING, RESOLVED) tell that somebody gave the task to somebody else for a while.
`description` is what was written over the documentation of the diagram. `changed_at` is NULL until somebody changes
the task."""

task_candidates = Table(
    "task_candidates", metadata,
    Column("task_key", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(8), primary_key=True),
    Column("name", Text, primary_key=True),
    Index("ix_task_candidates_name", "kind", "name", "task_key"),
)
"""Who may claim an open task, so that the tasks of a group are found without reading all: `kind` is USER or GROUP. The
lists in `user_tasks` say the same of ended tasks, too."""

task_filters = Table(
    "task_filters", metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("owner", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("shared", Boolean, nullable=False),
    Column("criteria", Json, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Index("ix_task_filters_owner", "owner"),
    Index("ix_task_filters_shared", "shared"),
)
"""Searches for tasks that somebody keeps, for himself or for everybody (`shared`)."""

task_drafts = Table(
    "task_drafts", metadata,
    Column("task_key", BigInteger, primary_key=True, autoincrement=False),
    Column("person", Text, primary_key=True),
    Column("content", Json, nullable=False),
    Column("seen", Json, nullable=False),
    Column("kept_at", UtcDateTime, nullable=False),
)
"""What somebody has typed into the form of a task and not sent. `seen` are fingerprints of the variables that the form
showed then."""

task_comments = Table(
    "task_comments", metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("task_key", BigInteger, nullable=False),
    Column("instance_key", BigInteger, nullable=False),
    Column("author", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index("ix_task_comments_task", "task_key"),
)

"""The tables of approvals: what one person asked for, and another one has to approve before it is done."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Text, text

from engine.columns import Json, UtcDateTime
from engine.schema.base import metadata

approvals = Table(
    "approvals", metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("operation_key", BigInteger),
    Column("deployment_key", BigInteger),
    Column("tenant_id", String(64)),
    Column("name", Text),
    Column("source", Text),
    Column("digest", String(64)),
    Column("content", Json, nullable=False),
    Column("requester", Text, nullable=False),
    Column("requester_person", Text),
    Column("reason", Text),
    Column("requested_at", UtcDateTime, nullable=False),
    Column("decided_by", Text),
    Column("decided_at", UtcDateTime),
    Column("decision", Text),
    Index("ix_approvals_waiting", "key", sqlite_where=text("decided_at IS NULL"),
          postgresql_where=text("decided_at IS NULL")),
    Index("ix_approvals_operation", "operation_key"),
)
"""One row per request. `content` tells what was asked for: the files with their hashes and what is new in them, or the
kind and size of the operation. `name`, `source` and `tenant_id` are those of the deployment, `digest` is over its
files;
`requester_person` tells who asked, whatever the name: the provider of identities and its own id of the person;
`deployment_key` is what became of it. `decision` is the reason of who decided."""

approval_files = Table(
    "approval_files", metadata,
    Column("approval_key", BigInteger, ForeignKey("approvals.key"), primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
)
"""The files of a deployment that waits; they go when it is decided."""

approval_subjects = Table(
    "approval_subjects", metadata,
    Column("approval_key", BigInteger, ForeignKey("approvals.key"), primary_key=True, autoincrement=False),
    Column("definition_id", String(255), primary_key=True),
    Column("tenant_id", String(64), nullable=False),
)
"""The processes, decisions and forms of a deployment that waits: they say who sees it."""

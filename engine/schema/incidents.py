"""The tables of incidents and of what people note about them; see `engine.schema`."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, String, Table, Text, text

from engine.columns import UtcDateTime, Word
from engine.schema.base import DEFAULT_TENANT, metadata

_OPEN = text("state = 'ACTIVE'")
_SNOOZED = text("state = 'ACTIVE' AND snoozed_until IS NOT NULL")

incidents = Table(
    "incidents", metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("instance_key", BigInteger, nullable=False),
    Column("element_instance_key", BigInteger, nullable=False),
    Column("job_key", BigInteger),
    Column("definition_key", BigInteger, nullable=False),
    Column("process_id", String(255), nullable=False),
    Column("element_id", String(255), nullable=False),
    Column("tenant_id", String(64), nullable=False, default=DEFAULT_TENANT),
    Column("type", Word(64), nullable=False),
    Column("message", Text, nullable=False),
    Column("state", Word(16), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("resolved_at", UtcDateTime),
    Column("fingerprint", String(16), nullable=False, default="", server_default=""),
    Column("acknowledged_at", UtcDateTime),
    Column("acknowledged_by", Text),
    Column("assignee", Text),
    Column("snoozed_until", UtcDateTime),
    Column("ticket", Text),
    Index("ix_incidents_fingerprint", "fingerprint", "created_at"),
    Index("ix_incidents_created", "created_at"),
    Index("ix_incidents_resolved", "resolved_at", sqlite_where=text("resolved_at IS NOT NULL"),
          postgresql_where=text("resolved_at IS NOT NULL")),
    Index("ix_incidents_instance", "instance_key"),
    Index("ix_incidents_element_instance", "element_instance_key"),
    Index("ix_incidents_open", "process_id", "created_at", sqlite_where=_OPEN, postgresql_where=_OPEN),
    Index("ix_incidents_alike", "fingerprint", sqlite_where=_OPEN, postgresql_where=_OPEN),
    Index("ix_incidents_assignee", "assignee", sqlite_where=_OPEN, postgresql_where=_OPEN),
    Index("ix_incidents_snoozed", "instance_key", "snoozed_until", sqlite_where=_SNOOZED, postgresql_where=_SNOOZED),
)
"""`fingerprint` is the same for failures that are the same but for keys and numbers (engine.fingerprints). The columns
from `acknowledged_at` on say who takes care of it (engine.care): until `snoozed_until` nobody is called by it, and
`ticket` is the address or the number of a ticket elsewhere."""

incident_notes = Table(
    "incident_notes", metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("incident_key", BigInteger, nullable=False),
    Column("instance_key", BigInteger, nullable=False),
    Column("author", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index("ix_incident_notes_incident", "incident_key", "key"),
    Index("ix_incident_notes_instance", "instance_key"),
)
"""What people write about an incident; never changed."""

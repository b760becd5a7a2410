"""The audit trail, to be searched."""

from __future__ import annotations

from engine import schema
from engine.queries import things
from engine.queries.criteria import Searchable
from engine.queries.things import AuditRow

AUDIT = Searchable(
    statement=things.AUDIT, make=AuditRow, key=schema.audit.c.key,
    fields={column.name: column for column in schema.audit.c},
)

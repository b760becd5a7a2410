"""The tables of services and of compensation drills; see `engine.schema`."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table, Text

from engine.columns import Json, UtcDateTime
from engine.schema.base import metadata

services = Table(
    "services", metadata,
    Column("name", String(255), primary_key=True),
    Column("contract", Json, nullable=False),
    Column("published_at", UtcDateTime, nullable=False),
)
"""What the nodes that have services say of them, for those that have none: `contract` is an
`engine.contracts.JobContract`."""

drills = Table(
    "drills", metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("definition_key", BigInteger, ForeignKey("definitions.key"), nullable=False),
    Column("drilled_at", UtcDateTime, nullable=False),
    Column("drilled_by", Text, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("remained", Integer, nullable=False),
    Column("unreached", Integer, nullable=False),
    Column("clean", Boolean, nullable=False),
    Column("report", Json, nullable=False),
    Index("ix_drills_definition", "definition_key", "drilled_at"),
)
"""One row per compensation drill of a definition. `failures` counts the failures that were tried, `remained` those
after which an effect remained, `unreached` the steps that no scenario came to; `report` has each of them."""

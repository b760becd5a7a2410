"""The tables of DMN decisions, and of what expressions had to say; see `engine.schema`."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint, text

from engine.columns import Json, UtcDateTime
from engine.schema.base import DEFAULT_TENANT, metadata

requirements = Table(
    "decision_requirements", metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("requirements_id", String(255), nullable=False),
    Column("name", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("resource_key", BigInteger, ForeignKey("resources.key"), nullable=False),
    Column("resource_name", Text, nullable=False),
    Column("deployment_key", BigInteger, ForeignKey("deployments.key"), nullable=False),
    Column("checksum", String(64), nullable=False),
    Column("namespace", Text, nullable=False),
    Column("imports", Json, nullable=False),
    Column("tenant_id", String(64), nullable=False, default=DEFAULT_TENANT),
    Column("deployed_at", UtcDateTime, nullable=False),
    UniqueConstraint("tenant_id", "requirements_id", "version"),
)
"""A deployed DMN file: a decision requirements graph, one row per version. `imports` holds the keys of those rows that
it imports, directly or through another: fixed when it is deployed, as everything else in it."""

decisions = Table(
    "decisions", metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("decision_id", String(255), nullable=False),
    Column("name", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("version_tag", Text),
    Column("requirements_key", BigInteger, ForeignKey("decision_requirements.key"), nullable=False, index=True),
    Column("tenant_id", String(64), nullable=False, default=DEFAULT_TENANT),
    Column("history_days", Integer),
    UniqueConstraint("tenant_id", "decision_id", "version"),
)
"""One row per version of a decision. `history_days`: how long is kept what was evaluated for no instance."""

decision_evaluations = Table(
    "decision_evaluations", metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("decision_key", BigInteger, nullable=False),
    Column("decision_id", String(255), nullable=False),
    Column("instance_key", BigInteger),
    Column("element_instance_key", BigInteger),
    Column("tenant_id", String(64), nullable=False, default=DEFAULT_TENANT),
    Column("evaluated_at", UtcDateTime, nullable=False),
    Column("output", Json),
    Column("decisions", Json, nullable=False),
    Column("warnings", Json, nullable=False),
    Column("error", Text),
    Index("ix_decision_evaluations_instance", "instance_key"),
    Index("ix_decision_evaluations_newest", "decision_key", "evaluated_at", "key"),
    Index("ix_decision_evaluations_alone", "decision_key", "evaluated_at", sqlite_where=text("instance_key IS NULL"),
          postgresql_where=text("instance_key IS NULL")),
)
"""The history of decisions. `decisions` holds every one that was evaluated for it: inputs, matched rules, output."""

explanations = Table(
    "explanations", metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("instance_key", BigInteger, nullable=False),
    Column("element_id", String(255), nullable=False),
    Column("purpose", Text, nullable=False),
    Column("expression", Text, nullable=False),
    Column("reasons", Json, nullable=False),
    Column("explained_at", UtcDateTime, nullable=False),
    Index("ix_explanations_instance", "instance_key"),
)
"""Why an expression of an instance gave null: a variable that is not there, say. Each once, not each time."""

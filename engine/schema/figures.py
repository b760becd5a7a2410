"""The tables of reports, and of the views that people keep of lists; see `engine.schema`."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text

from engine.columns import Json, UtcDateTime
from engine.schema.base import metadata

report_figures = Table(
    "report_figures", metadata,
    Column("definition_key", BigInteger, primary_key=True, autoincrement=False),
    Column("element_id", String(255), primary_key=True),
    Column("grain", String(4), primary_key=True),
    Column("at", UtcDateTime, primary_key=True),
    Column("started", Integer, nullable=False, default=0),
    Column("completed", Integer, nullable=False, default=0),
    Column("terminated", Integer, nullable=False, default=0),
    Column("total_ms", BigInteger, nullable=False, default=0),
    Column("longest_ms", BigInteger, nullable=False, default=0),
    Column("stays", Json, nullable=False),
    Column("failures", Integer, nullable=False, default=0),
    Column("retries", Integer, nullable=False, default=0),
    Column("undone", Integer, nullable=False, default=0),
    Column("engine_ms", BigInteger, nullable=False, default=0),
    Column("service_ms", BigInteger, nullable=False, default=0),
    Column("queue_ms", BigInteger, nullable=False, default=0),
    Column("waiting_ms", BigInteger, nullable=False, default=0),
    Index("ix_report_figures_at", "grain", "at"),
)
"""What ended instances tell, summed up by the hour and the day in which they ended (`grain` HOUR or DAY, in UTC; `at`
is its beginning), learned in the background (engine.reports.learning). One row per element, and one with an empty
`element_id` for the instances themselves, which alone has hours, `started` and the four parts of their time.
`completed` and `terminated` count visits, `stays` how many completed ones took how long (engine.reports.stays).
`undone` counts calls that were undone; of instances, those that undid something."""

report_progress = Table(
    "report_progress", metadata,
    Column("name", String(16), primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("key", BigInteger, nullable=False),
)
"""How far the reports have learned: everything that started (STARTED) or ended (ENDED) up to `at` and `key`."""

saved_views = Table(
    "saved_views", metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("owner", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("shared", Boolean, nullable=False),
    Column("query", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Index("ix_saved_views_owner", "owner"),
    Index("ix_saved_views_shared", "shared"),
)
"""Views of the list of instances that somebody keeps, for himself or for everybody (`shared`). `query` is that of the
address: filter, order and columns."""

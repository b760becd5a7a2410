"""The table of what is known of elements from the instances that passed them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, String, Table

from engine.columns import UtcDateTime
from engine.schema.base import metadata

element_durations = Table(
    "element_durations", metadata,
    Column("definition_key", BigInteger, primary_key=True, autoincrement=False),
    Column("element_id", String(255), primary_key=True),
    Column("samples", Integer, nullable=False),
    Column("median_ms", BigInteger, nullable=False),
    Column("p95_ms", BigInteger, nullable=False),
    Column("p99_ms", BigInteger, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("retries", Integer, nullable=False),
    Column("late_before", UtcDateTime),
    Column("learned_at", UtcDateTime, nullable=False),
    Column("since", UtcDateTime),
)
"""One row per element that was passed lately; renewed in the background (engine.durations). A token that has been at
the element since before `late_before` is later than 99 of 100 were (NULL: too little is known to say so). `failures`
counts incidents, `retries` attempts of jobs after the first, among the same instances, of which the first
started at `since`."""

"""The table of alerts; see `engine.schema` and `engine.alerts`."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, Integer, String, Table, Text

from engine.columns import Json, UtcDateTime
from engine.schema.base import metadata

alert_rules = Table(
    "alert_rules", metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("name", String(100), nullable=False, unique=True),
    Column("measure", String(50), nullable=False),
    Column("process_id", Text),
    Column("query", Text),
    Column("within_seconds", Integer, nullable=False, server_default="300"),
    Column("above", Float, nullable=False),
    Column("for_seconds", Integer, nullable=False),
    Column("channels", Json, nullable=False),
    Column("quiet_from", String(5)),
    Column("quiet_to", String(5)),
    Column("disabled", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("value", Float),
    Column("checked_at", UtcDateTime),
    Column("above_since", UtcDateTime),
    Column("fired_at", UtcDateTime),
    Column("told", String(10), nullable=False),
    Column("telling_until", UtcDateTime),
    Column("trouble", Text),
)
"""A rule and how it stands. `query` is the metric that it names, or the address of the list; of a metric that only
grows counts what it did in `within_seconds`. `channels` are the names of secrets that hold the addresses.
`above_since`: since when the value is above the limit; `fired_at`: since when the alert is on. `told` is what its
channels were told last: "" nothing or that it is over, "FIRED" that it is on; a node tells them until
`telling_until`."""

alert_samples = Table(
    "alert_samples", metadata,
    Column("rule_key", BigInteger, primary_key=True, autoincrement=False),
    Column("node", String(32), primary_key=True),
    Column("at", UtcDateTime, primary_key=True),
    Column("total", Float, nullable=False),
    Column("times", Float, nullable=False),
    Column("buckets", Json),
)
"""What a process had counted of the metric that a rule watches: for a histogram the sum of its values, and how many;
for a ratio what is above and below the line; for a percentile how many values were not above each bound (`buckets`)."""

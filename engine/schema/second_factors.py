"""The tables of the second factor of local users, and of log-ins that wait for it; see `engine.schema`."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from engine.columns import UtcDateTime
from engine.schema.base import metadata

second_factors = Table(
    "second_factors", metadata,
    Column("name", String(255), primary_key=True),
    Column("secret", Text, nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("last_step", BigInteger, nullable=False),
    Column("salt", String(32), nullable=False),
)
"""Who has a second factor: its secret, encrypted (`engine.keyring`), the time step of the last code that was used, and
the salt of the recovery codes."""

recovery_codes = Table(
    "recovery_codes", metadata,
    Column("digest", String(64), primary_key=True),
    Column("name", String(255), nullable=False),
    Index("ix_recovery_codes_name", "name"),
)
"""Recovery codes that nobody used yet, as slow hashes."""

factor_setups = Table(
    "factor_setups", metadata,
    Column("browser", String(64), primary_key=True),
    Column("name", String(255), nullable=False),
    Column("secret", Text, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Index("ix_factor_setups_expires_at", "expires_at"),
)
"""Second factors that somebody is setting up: each belongs to the browser that began it (the digest of its session), so
that nobody confirms the secret of somebody else."""

half_log_ins = Table(
    "half_log_ins", metadata,
    Column("digest", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("stamp", String(64), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Index("ix_half_log_ins_expires_at", "expires_at"),
)
"""Log-ins whose password was right, and whose second factor is still to come. `digest` and `stamp` as in `sessions`."""

"""The tables of who is logged in, and of who came in last; see `engine.schema`."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text, false

from engine.columns import Json, UtcDateTime
from engine.schema.base import metadata

sessions = Table(
    "sessions", metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("stamp", String(64), nullable=False),
    Column("groups", Json, nullable=False),
    Column("issuer", Text),
    Column("subject", Text),
    Column("provider_session", Text),
    Column("id_token", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("address", Text, nullable=False),
    Column("agent", Text, nullable=False),
    Column("with_factor", Boolean, nullable=False, server_default=false()),
    Column("confirmed_at", UtcDateTime),
    Index("ix_sessions_name", "name"),
    Index("ix_sessions_expires_at", "expires_at"),
    Index("ix_sessions_subject", "subject"),
)
"""People who are logged in. `digest` is the SHA-256 of what their browser shows; the thing itself is nowhere.
`stamp` changes with the password of a local user. Of a provider of identities (OpenID Connect) are `issuer`, `subject`,
its own name of the session, the groups it told, and its token, encrypted, which it wants back at the log-out.
`with_factor`: the log-in showed the second factor, too. `confirmed_at`: when the person showed again who it is, after
the log-in."""

guesses = Table(
    "guesses", metadata,
    Column("who", String(64), primary_key=True),
    Column("tries", Integer, nullable=False),
    Column("last_at", UtcDateTime, nullable=False),
    Index("ix_guesses_last_at", "last_at"),
)
"""Tries to log in that were wrong, or not looked at yet, by a hash of who made them (`engine.guesses`)."""

last_uses = Table(
    "last_uses", metadata,
    Column("name", String(255), primary_key=True),
    Column("used_at", UtcDateTime, nullable=False),
    Column("address", Text, nullable=False),
)
"""When a user or a token came in last, to within some minutes."""

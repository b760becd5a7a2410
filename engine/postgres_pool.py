"""The connections of a process to PostgreSQL: what each asks for, and when one is tried before it is used again."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy import URL, event
from sqlalchemy import Engine as SqlEngine
from sqlalchemy.exc import InvalidatePoolError

CONNECTION: Mapping[str, Any] = {
    "application_name": "partitur", "connect_timeout": 5,
    # A server whose machine has vanished says nothing: noticed within 20 s instead of two hours.
    "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 2, "tcp_user_timeout": 20_000,
}
"""What a connection asks for where the URL does not say. Source: PostgreSQL manual, libpq's connection parameters."""

PATIENCE = "-c idle_in_transaction_session_timeout=30s -c lock_timeout=5s"
"""A node that stands still in a transaction (stopped, swapped out) loses it, so that others get its locks. The URL may
say otherwise."""

WORDS = "-c DateStyle=ISO,MDY -c IntervalStyle=postgres -c TimeZone=UTC"
"""How values are told, whatever database, role or URL say: the driver reads no other dates."""

ISOLATION = "READ COMMITTED"
"""Of transactions that write, whatever database, role or URL say. They lock first and read then: of an older moment,
they would miss what those did for whom they waited."""


DSN_OPTIONS = {"host", "port", "sslmode", "sslcert", "sslkey", "sslrootcert", "sslcrl", "passfile",
               "target_session_attrs"}
"""What asyncpg understands of a URL's query; anything else it would take for a setting of the server."""


def asked_for(url: URL) -> dict[str, Any]:
    """What each connection of a process asks for."""
    asked = {name: value for name, value in CONNECTION.items() if name not in url.query}
    return {**asked, "client_encoding": "utf8", "options": f"{PATIENCE} {own_options(url)} {WORDS}"}


def own_options(url: URL) -> str:
    """The options of the server that a URL has, or else the environment, as libpq takes them."""
    given = url.query.get("options", os.environ.get("PGOPTIONS", ""))
    return given if isinstance(given, str) else " ".join(given)


def dsn(url: URL) -> str:
    """The address for asyncpg. What a URL leaves out comes from the environment (PGHOST, …), for psycopg too."""
    # Of several hosts, each in a parameter of its own, asyncpg would know the last one only.
    kept = {key: value if isinstance(value, str) else ",".join(value)
            for key, value in url.query.items() if key in DSN_OPTIONS}
    return url.set(drivername="postgresql", query=kept).render_as_string(hide_password=False)


RESTED = 0.25
"""Seconds after which a connection is tried before it is used again, for the server may have been restarted."""


def try_rested(engine: SqlEngine) -> None:
    """Try a connection before use unless it has just been used. The pool's own way asks each time: a round trip more,
    and a change of processes, in every transaction."""

    @event.listens_for(engine, "checkin")
    def _back(_connection: Any, record: Any) -> None:
        record.info["back_at"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _out(connection: Any, record: Any, _proxy: Any) -> None:
        back_at = record.info.get("back_at")
        if back_at is None or time.monotonic() - back_at < RESTED:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error    # all that are as old as this one are tried no more

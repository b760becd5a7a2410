"""The connections of a process to PostgreSQL: what each asks for, and when one is tried before it is used again."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Engine as SqlEngine
from sqlalchemy import event
from sqlalchemy.exc import InvalidatePoolError

CONNECTION: Mapping[str, Any] = {
    "application_name": "partitur", "connect_timeout": 5,
    # A server whose machine has vanished says nothing: noticed within 20 s instead of two hours.
    "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 2, "tcp_user_timeout": 20_000,
    # A node that stands still in a transaction (stopped, swapped out) loses it, so that others get its locks.
    "options": "-c idle_in_transaction_session_timeout=30s -c lock_timeout=5s",
}
"""What a connection asks for where the URL does not say. Source: PostgreSQL manual, libpq's connection parameters."""

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

"""A pooler between this process and PostgreSQL: PgBouncer, say.

What a connection asks for when it begins, a pooler refuses or drops, so it is said again as soon as the connection is
there. And a session has to stay with its connection, because LISTEN, prepared statements and settings live in sessions:
where a pooler hands them on between transactions, notifications are lost without a word, so that is refused.
Source: PgBouncer manual, "pool_mode" and "ignore_startup_parameters"; PostgreSQL manual, "Message Flow"
(BackendKeyData).
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Dialect, event
from sqlalchemy import Engine as SqlEngine

from engine.errors import SharedSessions

REFUSED = "unsupported startup parameter"
"""How PgBouncer says that it takes no `options`."""

NO_TRANSACTIONS = "statement pooling mode"
"""How it says that it hands sessions on even after each statement."""

AGAIN = 10.0
"""Seconds after which it is found out anew, when a connection is made, whether sessions stay: it may have been told
otherwise and restarted."""

ROUNDS = 3
"""How often that is tried: meanwhile another client may have the session that was ours."""

_MARK = "partitur.session"
_OPTION = re.compile(r"(?:-c\s*|--)([\w.-]+)=((?:\\.|\S)*)")


class Pooler:
    """What the connections of one process lead through, as far as it was seen."""

    def __init__(self) -> None:
        self.is_there = False
        """Whether the newest connection does not lead to PostgreSQL itself."""
        self._kept_at: float | None = None

    def watch(self, engine: SqlEngine) -> None:
        """Make each connection what it asks to be, whatever it leads through."""

        @event.listens_for(engine, "do_connect")
        def _connect(dialect: Dialect, _record: Any, arguments: Any, asked: dict[str, Any]) -> Any:
            connection, took_options = _connected(dialect, asked)
            try:
                self._look(dialect, connection, asked, took_options=took_options)
            except BaseException:
                connection.close()
                raise
            return connection

    def _look(self, dialect: Dialect, connection: Any, asked: dict[str, Any], *, took_options: bool) -> None:
        connection.autocommit = True
        # A pooler has told the number of a session of its own.
        (process,) = connection.execute("SELECT pg_backend_pid()").fetchone()
        self.is_there = not took_options or process != connection.info.backend_pid
        if self.is_there:
            if self._kept_at is None or time.monotonic() - self._kept_at > AGAIN:
                self._kept_at = None
                _refuse_shared(dialect, connection, asked)
                self._kept_at = time.monotonic()
            # Not before: a session that is handed on would carry our settings to others.
            connection.execute(*saying(settings(asked["options"])))
        connection.autocommit = False


def settings(options: str) -> dict[str, str]:
    """The settings in options of a server as libpq takes them: `-c name=value --name=value`, blanks escaped."""
    return {name.replace("-", "_"): re.sub(r"\\(.)", r"\1", value) for name, value in _OPTION.findall(options)}


def saying(told: Mapping[str, str], parameter: str = "%s") -> tuple[str, list[str]]:
    """A statement that makes these the settings of a session, and its values."""
    places = (parameter.format(at) for at in range(1, 2 * len(told) + 1))
    calls = ", ".join(f"set_config({name}, {value}, false)" for name, value in zip(places, places, strict=True))
    return f"SELECT {calls}", [each for pair in told.items() for each in pair]


def _connected(dialect: Dialect, asked: dict[str, Any]) -> tuple[Any, bool]:
    """A connection, and whether its options were taken."""
    try:
        return dialect.connect(**asked), True
    except dialect.loaded_dbapi.Error as error:
        if REFUSED not in str(error):
            raise
    # Empty, not left out: then they would come from the environment.
    return dialect.connect(**{**asked, "options": ""}), False


def _refuse_shared(dialect: Dialect, connection: Any, asked: dict[str, Any]) -> None:
    """Raises SharedSessions if something said in the session of a connection is found in another's, or is gone."""
    other, _ = _connected(dialect, asked)
    read = f"SELECT current_setting('{_MARK}', true)"
    try:
        for _ in range(ROUNDS):
            mark = uuid.uuid4().hex
            connection.execute(f"SELECT set_config('{_MARK}', '{mark}', false)")
            # Its transaction stays open, so that the two have different sessions in any case.
            (seen,) = other.execute(read).fetchone()
            (kept,) = connection.execute(read).fetchone()
            other.rollback()
            if seen == mark or kept != mark:
                raise SharedSessions
    except dialect.loaded_dbapi.Error as error:
        if NO_TRANSACTIONS in str(error):
            raise SharedSessions from error
        raise
    finally:
        other.close()

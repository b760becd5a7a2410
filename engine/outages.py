"""Tells the faults of a database that is away, or has no room, from those of a statement.

A command that meets one has changed nothing, or it is not known whether it has, if the connection broke while the
commit was under way. Whoever asked is told to ask again; nothing has to be started anew when the database is back.
"""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from engine.errors import Unavailable

SQLITE_CODES = {
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_CORRUPT,
}
"""Primary result codes of SQLite that are no fault of the statement. Source: https://sqlite.org/rescode.html."""

POSTGRES_CLASSES = ("08", "25006", "40", "53", "55P03", "57", "58")
"""How the SQLSTATEs begin that are no fault of the statement: connection, a standby that only reads, transactions in
each other's way, no room, shutdown, the disk. Source: PostgreSQL manual, appendix A."""

BUSY = "no connection to it became free in time"
"""What is told of a database that may be well, because this process asks it for more than it may."""

IN_THE_WAY = {"40001", "40P01", "55P03"}
"""SQLSTATEs of a transaction that only failed because another one was in its way."""


READS_ONLY = "25006"
"""The SQLSTATE of a change where nothing can be changed: on a standby, say."""


def reads_only(error: BaseException) -> bool:
    """Whether a change failed because the database takes none, as a standby does not."""
    return getattr(getattr(error.__cause__, "orig", None), "sqlstate", None) == READS_ONLY


def of(error: BaseException, *, committing: bool = False) -> Unavailable | None:
    """What to tell of an error that a driver raised; None if it is none of the database's absence.

    `committing`: the connection broke during the commit, so that nobody knows whether the database saw it.
    """
    if isinstance(error, Unavailable):
        return error
    if isinstance(error, NoConnectionFree):
        return Unavailable(BUSY)
    if not isinstance(error, DBAPIError) or isinstance(error, IntegrityError):
        return None
    if not _is_one(error):
        return None
    lost = committing and broke_connection(error)
    return Unavailable(_first_line(error.orig), in_doubt=lost)


def broke_connection(error: BaseException) -> bool:
    """Whether the connection is gone with it, so that what was not committed has never been."""
    if not isinstance(error, DBAPIError) or isinstance(error.orig, sqlite3.Error):
        return False
    state = getattr(error.orig, "sqlstate", None)
    if state is None:
        return error.connection_invalidated or _is_operational(error)
    return error.connection_invalidated or state.startswith(("08", "57P"))


def _is_one(error: DBAPIError) -> bool:
    if isinstance(error.orig, sqlite3.Error):
        code = getattr(error.orig, "sqlite_errorcode", None)
        return code is not None and code & 0xFF in SQLITE_CODES
    state = getattr(error.orig, "sqlstate", None)
    return broke_connection(error) or (state or "").startswith(POSTGRES_CLASSES)


def _is_operational(error: DBAPIError) -> bool:
    # A connection that could not be made has no SQLSTATE: no server said anything.
    return type(error.orig).__name__ in ("OperationalError", "ConnectionTimeout", "InterfaceError")


def _first_line(error: BaseException | None) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__

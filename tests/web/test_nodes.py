"""Web servers, workers and schedulers as processes of their own, any number of each, on one database."""

from __future__ import annotations

import signal
import socket
import time
from collections import Counter

import httpx
import pytest

from engine.engine import Engine
from engine.queries.instances import InstanceFilter, search
from engine.queries.standing import standing
from tests.engine.drawing import catch, end, process, service, start, timer
from tests.engine.steps import Steps

PATIENCE = 60

SERVICES = """
import pathlib, uuid
from service_tasks import Call, service_task

@service_task("do", idempotent=True)
def do(*, call: Call) -> None:
    pathlib.Path({folder!r}, f"{{call.idempotency_key}}-{{uuid.uuid4().hex}}").touch()
"""


@pytest.fixture
def url(either_url) -> str:
    return either_url


@pytest.fixture
def services(tmp_path):
    folder = tmp_path / "calls"
    folder.mkdir()
    file = tmp_path / "many_nodes_services.py"
    file.write_text(SERVICES.format(folder=str(folder)))
    return file, folder


@pytest.fixture
def partitur(url, begin, tmp_path):
    def start(*arguments):
        return begin(*arguments, "--json", DATA_DIR=str(tmp_path / "data"), PORT="0", DATABASE_URL=url)

    return start


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def until(reached):
    deadline = time.monotonic() + PATIENCE
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_parts_run_apart_on_one_database_and_nothing_happens_twice(url, partitur, services):
    file, calls = services
    engine = Engine(url)
    steps = Steps(engine)
    steps.deploy(process("work", start(), service("do"), catch("later", timer("Duration", "PT0.5S")), end()))

    # given a web server that does nothing else, two workers and two schedulers
    port = free_port()
    parts = [
        partitur("serve", "--no-scheduler", "--service-threads", "0"),
        partitur("worker", "--services", str(file), "--metrics-port", str(port)),
        partitur("worker", "--services", str(file)),
        partitur("scheduler"), partitur("scheduler", "--partitions", "0-1023"),
    ]
    address, *_ = [part.facts().get("url") for part in parts]
    until(lambda: len(standing(engine).alive) == len(parts))
    roles = Counter(",".join(node.roles) for node in standing(engine).alive)
    assert roles == {"web": 1, "worker": 2, "scheduler": 2}

    # of which those without a web server tell probes of themselves, too
    for path, said in (("health", '"UP"'), ("ready", '"UP"'), ("metrics", "partitur_database_up 1.0")):
        for answer in (httpx.get(f"http://127.0.0.1:{port}/{path}"), httpx.get(f"{address}/{path}")):
            assert (answer.status_code, said in answer.text.replace(" ", "" if said[0] == '"' else " ")) == (200, True)

    # when instances are started through it
    with httpx.Client(timeout=30) as client:
        for _ in range(40):
            answer = client.post(f"{address}/v2/process-instances", json={"processDefinitionId": "work"})
            assert answer.status_code == 200, answer.text

    # then all end, each service was called once, and each timer fired once
    until(lambda: len(search(engine, InstanceFilter(states=("completed",)), limit=100).items) == 40)
    called = Counter(path.name.rpartition("-")[0] for path in calls.iterdir())
    assert len(called) == 40
    assert set(called.values()) == {1}

    # and they leave when asked to, and say so
    for part in parts:
        part.send_signal(signal.SIGTERM)
    assert [part.wait() for part in parts] == [0] * len(parts)
    assert standing(engine).nodes == ()
    engine.close()

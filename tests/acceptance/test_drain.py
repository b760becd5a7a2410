"""SIGTERM lets a node finish what it does: calls under way are answered for, long polls too, nothing new is begun."""

from __future__ import annotations

import signal
import threading
import time

import httpx
import pytest
from sqlalchemy import select

from engine import schema
from engine.engine import Engine
from tests.engine.drawing import end, process, service, start
from tests.engine.steps import Steps

PATIENCE = 60
SLOW = """
import pathlib, threading
from service_tasks import Call, service_task

@service_task("slow", timeout=100)
def slow(*, call: Call) -> None:
    folder = pathlib.Path({folder!r})
    with (folder / "calls").open("a") as book:
        book.write(call.idempotency_key + "\\n")
    while not (folder / "go").exists():
        threading.Event().wait(0.02)
"""


@pytest.fixture
def url(either_url):
    return either_url


def until(reached, what):
    deadline = time.monotonic() + PATIENCE
    while not reached():
        assert time.monotonic() < deadline, what
        threading.Event().wait(0.05)


@pytest.mark.parametrize("role", ["serve", "worker"])
def test_a_node_that_is_asked_to_leave_finishes_what_it_does_and_begins_nothing_new(url, begin, tmp_path, role):
    # given a node in the middle of a call, another job that is due, and a long poll
    (tmp_path / "draining_services.py").write_text(SLOW.format(folder=str(tmp_path)))
    engine = Engine(url)
    steps = Steps(engine)
    steps.deploy(process("p", start(), service("slow"), service("next", type="slow"), end()))
    key = steps.start("p")
    node = begin(role, "--services", str(tmp_path / "draining_services.py"), "--json", DATABASE_URL=url,
                 DATA_DIR=str(tmp_path), PORT="0")
    polled = []

    def poll(address):
        polled.append(httpx.post(f"{address}/v2/jobs/activation", timeout=PATIENCE, json={
            "type": "elsewhere", "timeout": 1000, "maxJobsToActivate": 1, "requestTimeout": 50_000}))

    address = node.facts().get("url")
    until((tmp_path / "calls").exists, "the service was never called")
    asking = threading.Thread(target=poll, args=(address,))
    if role == "serve":
        asking.start()
        # It is parked: a server that answers this has read what was sent before.
        assert httpx.get(f"{address}/v2/topology", timeout=PATIENCE).is_success

    # when it is asked to leave
    node.send_signal(signal.SIGTERM)

    # then whoever polls is answered at once, although the call still takes its time
    if role == "serve":
        asking.join(PATIENCE)
        assert [answer.json()["jobs"] for answer in polled if answer.is_success] in ([[]], [])
        assert [answer.status_code for answer in polled] in ([200], [503])
    assert node.poll() is None

    # and when the call is done, its answer counts and the node is gone, without having begun the next one
    (tmp_path / "go").touch()
    assert node.wait() == 0
    assert steps.at(key) == ["next"]
    assert len((tmp_path / "calls").read_text().splitlines()) == 1
    j = schema.jobs.c
    with engine.read() as connection:
        rows = connection.execute(select(j.element_id, j.state, j.effect, j.attempt).order_by(j.key)).fetchall()
    assert [tuple(row) for row in rows] == [("slow", "COMPLETED", "CONFIRMED", 1), ("next", "CREATED", "INTENDED", 0)]
    if address:
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{address}/v2/topology", timeout=5)
    engine.close()

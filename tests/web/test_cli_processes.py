"""The commands that keep running, as processes of their own: they start, work, and leave when asked to."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest

from engine.engine import Engine
from engine.queries import instances
from engine.queries.instances import InstanceFilter

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "order-fulfilment"
PATIENCE = 60


@pytest.fixture
def partitur(begin, tmp_path):
    """Starts a command and gives its process and the facts it prints when it is ready."""
    def start(*arguments):
        process = begin(*arguments, "--json", DATA_DIR=str(tmp_path / "data"), PORT="0")
        return process, process.facts()

    return start


def leave(process, number):
    process.send_signal(number)
    return process.wait()


def eventually(condition):
    """Wait for another process to get there."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "It did not happen."
        threading.Event().wait(0.1)


def statuses(engine):
    page = instances.search(engine, InstanceFilter(process_id="order-fulfilment"), limit=100)
    return Counter((row.status, row.end_reason) for row in page.items)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_answers_until_it_is_told_to_leave(partitur, number):
    process, facts = partitur("serve")
    assert httpx.get(facts["url"] + "/health", trust_env=False).json()["status"] == "UP"
    assert leave(process, number) == 0


def test_a_worker_says_which_services_it_serves(partitur):
    process, facts = partitur("worker", "--services", str(EXAMPLE))
    assert "reserve-inventory" in facts["services"]
    assert leave(process, signal.SIGTERM) == 0


def test_the_demo_shows_every_outcome_and_goes_on_with_its_data(partitur, tmp_path):
    # given the demo
    process, first = partitur("demo")
    engine = Engine(f"sqlite:///{tmp_path / 'data' / 'partitur.db'}")

    # then its orders come to every outcome
    def all_there():
        found = statuses(engine)
        return (found["completed", None], found["completed", "PAYMENT_DECLINED"], found["completed", "NO_CARRIER"],
                found["waiting", None], found["incident", None]) == (5, 3, 1, 3, 2) and (
                found["retrying", None] == 2 and found["stalled", None] == 2)

    eventually(all_there)
    engine.close()

    # and when it is ended with Ctrl-C and started again, it starts nothing twice
    assert leave(process, signal.SIGINT) == 0
    _, second = partitur("demo")
    keys = [order["instance_key"] for order in second["orders"]]
    assert keys == [order["instance_key"] for order in first["orders"]]


def test_a_port_that_another_program_has_is_a_sentence(partitur, begin, tmp_path):
    _, facts = partitur("serve")
    port = facts["url"].rpartition(":")[2]
    second = begin("serve", "--port", port, DATA_DIR=str(tmp_path / "other"))
    assert second.wait() == 1
    assert f"Expected port {port} to be free" in second.err.read_text()


def test_deploying_and_starting_work_from_afar(partitur, begin, tmp_path):
    # given a server, and a command line on another database
    _, facts = partitur("serve")
    def afar(*arguments, code=0):
        process = begin(*arguments, "--url", facts["url"], "--json", DATA_DIR=str(tmp_path / "elsewhere"))
        assert process.wait() == code
        return json.loads(process.out.read_text())

    # when a process is deployed and started there
    afar("deploy", str(EXAMPLE / "script-order.bpmn"))
    started = afar("start", "script-order", "--variables", '{"items": []}', "--business-id", "far")

    # then it ran there, and not here
    key = int(started["processInstanceKey"])
    engine = Engine(f"sqlite:///{tmp_path / 'data' / 'partitur.db'}")
    [row] = instances.search(engine, InstanceFilter(business_id="far")).items
    engine.close()
    assert (row.key, row.status) == (key, "completed")
    assert not (tmp_path / "elsewhere").exists()

    # and a refusal is the server's
    (tmp_path / "text.bpmn").write_text("not a diagram")
    assert "text.bpmn" in afar("deploy", str(tmp_path / "text.bpmn"), code=1)["error"]


def test_a_server_that_is_not_there_is_a_sentence(tmp_path):
    done = subprocess.run([sys.executable, "-m", "web.cli", "start", "x", "--url", "http://127.0.0.1:1"], cwd=ROOT,
                          env={**os.environ, "DATA_DIR": str(tmp_path)}, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Expected a server at http://127.0.0.1:1" in done.stderr

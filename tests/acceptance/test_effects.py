"""Workers that are killed, stopped and continued, and replies that are lost: each effect happens once per key.

Killing before and after every single commit, and so every write of the ledger, is in test_crash_points.
"""

from __future__ import annotations

import signal
from collections import Counter
from contextlib import contextmanager

import httpx
import pytest

from engine import definitions, instances
from engine.definitions import Resource
from engine.engine import Engine
from engine.queries import effects as ledger
from engine.queries import lists
from tests.acceptance.mould import Part
from tests.acceptance.shop import GOOD, environment, services
from tests.examples.order import ORDER_EXAMPLE, diagram
from tests.service_tasks.stage import PROCESS, Stage

LOCK = "0.6"


@pytest.fixture
def stage(new_database):
    """An engine of this process on the database that the workers share. It has no worker of its own."""
    url = new_database()
    engine = Engine(url, synchronous="OFF")
    yield Stage(engine), url
    engine.close()


@pytest.fixture
def workers(mould, tmp_path):
    """Starts workers by name; whoever is left at the end is killed."""
    @contextmanager
    def starting(url, source, env):
        running = []

        def start(name):
            running.append(Part(mould, [url, str(source), name, LOCK], env, tmp_path / "workers" / name,
                                module="tests.acceptance.short_worker"))
            return running[-1]

        try:
            yield start
        finally:
            for process in running:
                process.kill()

    return starting


def done_by(services_url, order):
    """What the services really did for an order."""
    found = httpx.get(f"{services_url}/effects", params={"orderId": order}, timeout=10).json()
    return Counter(effect["kind"] for effect in found)


def asked(services_url, order):
    return httpx.get(f"{services_url}/recorded", params={"orderId": order}, timeout=10).json()


def fault(services_url, **what):
    httpx.post(f"{services_url}/faults", json=what, timeout=10).raise_for_status()


def faults_left(services_url):
    return httpx.get(f"{services_url}/faults", timeout=10).json()["left"]


def order(engine, name):
    engine.execute(definitions.deploy, [Resource(name="order-fulfilment.bpmn", content=diagram())])
    return engine.execute(instances.start, "order-fulfilment", variables={**GOOD, "orderId": name}).key


PAID = {"reserve": 1, "authorize": 1, "schedule": 1}


def test_a_worker_that_was_stopped_past_its_lock_changes_nothing_when_it_continues(stage, workers, tmp_path):
    stage, url = stage
    with services(tmp_path) as shop, workers(url, ORDER_EXAMPLE / "clients.py", environment(shop)) as start:
        # given a worker that is stopped while it calls
        fault(shop, service="inventory", orderId="A-1", behaviour="delay", seconds=2, times=1)
        key = order(stage.engine, "A-1")
        sleeper = start("sleeper")
        stage.until(lambda: [job for job in lists.jobs(stage.engine).items if job.locked_by == "sleeper"])
        stage.until(lambda: faults_left(shop) == 0)     # its request has arrived, and is being delayed
        sleeper.send_signal(signal.SIGSTOP)

        # when another one takes its job and the process goes on, and the first one wakes up
        start("awake")
        assert stage.ended(key).row.state == "COMPLETED"
        before = stage.see(key)
        sleeper.send_signal(signal.SIGCONT)
        stage.until(lambda: len([one for one in asked(shop, "A-1") if one["path"] == "/inventory/reservations"]) >= 2)

        # then nothing happened twice, and the ledger knows of two attempts under one key
        assert done_by(shop, "A-1") == PAID
        assert stage.see(key) == before
        [reserved] = [row for row in ledger.effects(stage.engine, instance_key=key).items
                      if row.service == "reserve-inventory"]
        assert (reserved.effect, reserved.attempt) == ("CONFIRMED", 2)


def test_a_reply_that_is_lost_after_the_effect_does_not_repeat_it(stage, workers, tmp_path):
    stage, url = stage
    with services(tmp_path) as shop, workers(url, ORDER_EXAMPLE / "clients.py", environment(shop)) as start:
        fault(shop, service="billing", orderId="A-2", behaviour="lose-reply", times=1)
        key = order(stage.engine, "A-2")
        start("worker")
        assert stage.ended(key).row.state == "COMPLETED"
        assert done_by(shop, "A-2") == PAID
        assert {row.effect for row in ledger.effects(stage.engine, instance_key=key).items} == {"CONFIRMED"}


@pytest.mark.parametrize(("service", "ends"), [("work", False), ("work-with-probe", True)])
def test_a_killed_worker_leaves_a_call_that_must_not_be_repeated_to_the_probe_or_to_an_operator(
        stage, workers, tmp_path, service, ends):
    stage, url = stage
    book, hangs = tmp_path / "book", tmp_path / "hangs"
    book.touch()
    hangs.touch()
    env = environment("", TRANSFERS=str(book), HANGS=str(hangs))
    stage.deploy("one-service.bpmn", PROCESS.replace('type="work"', f'type="{service}"').encode())
    key = stage.start()
    with workers(url, "tests.acceptance.transfers", env) as start:
        # given a worker that is killed after it acted
        victim = start("victim")
        stage.until(book.read_text)
        victim.kill()

        # when another one finds its job
        hangs.unlink()
        start("heir")
        if ends:
            assert stage.ended(key).row.state == "COMPLETED"
        else:
            assert "not known" in stage.incident(key).message

    # then the transfer was made once
    [row] = ledger.effects(stage.engine, instance_key=key).items
    assert book.read_text() == row.idempotency_key + "\n"
    assert (row.effect, row.needs_decision) == ("CONFIRMED" if ends else "IN_DOUBT", not ends)

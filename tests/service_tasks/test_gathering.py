"""A worker that looked for jobs in vain waits a little, but never with an answer in its hands."""

from __future__ import annotations

import threading
import time

import pytest

from engine import instances
from engine.engine import Engine
from service_tasks import Registry, service_task
from service_tasks.worker import Worker
from tests.engine.drawing import end, process, service, start
from tests.engine.steps import Steps
from tests.service_tasks.stage import LONG

FOR_EVER = 1e9


@pytest.fixture
def database_url(sqlite_url):
    return sqlite_url


@pytest.fixture
def worker(stage):
    """A worker whose turns the test makes itself."""
    @service_task("work")
    def work() -> None:
        return None

    Steps(stage.engine).deploy(process("one", start(), service("work"), end()))
    registry = Registry()
    registry.add(work)
    made = Worker(stage.engine, registry)
    with made._listener:
        yield made
    made._crew.stop()


def answered(worker):
    """Wait until a call has answered, and leave the answer where it is."""
    held, outcome = worker._inbox.get(timeout=30)
    worker._inbox.put((held, outcome))


def test_a_look_in_vain_puts_the_next_one_off(worker):
    assert worker._turn() is False
    assert worker._looks_at > 0


def test_a_look_that_found_a_job_does_not(worker, stage):
    stage.engine.execute(instances.start, "one")
    assert worker._turn() is True
    assert worker._looks_at == 0
    answered(worker)
    assert worker._turn() is True
    assert worker._looks_at == 0


def test_an_answer_does_not_wait_for_the_next_look(worker, stage):
    stage.engine.execute(instances.start, "one")
    worker._turn()
    answered(worker)
    worker._looks_at = time.monotonic() + FOR_EVER
    worker._gather()
    assert not worker._inbox.empty()


def test_a_worker_that_is_told_to_stop_does_not_wait(worker):
    worker._looks_at = time.monotonic() + FOR_EVER
    worker._stopping.set()
    worker._gather()


def test_it_gathers_only_while_others_keep_the_engine_busy(worker, monkeypatch):
    looks = iter([True, True, False])
    monkeypatch.setattr(Engine, "is_busy", property(lambda engine: next(looks)))
    monkeypatch.setattr("service_tasks.worker.GATHER", FOR_EVER)
    worker._gather()
    assert next(looks, None) is None


def test_it_gathers_for_a_while_only(worker, monkeypatch):
    monkeypatch.setattr(Engine, "is_busy", property(lambda engine: True))
    monkeypatch.setattr("service_tasks.worker.GATHER", 0.0)
    worker._gather()


def test_it_waits_for_calls_that_are_about_to_answer_and_not_longer(stage, monkeypatch):
    # given one call that has answered, and another one under way
    monkeypatch.setattr("service_tasks.worker.GATHER", FOR_EVER)
    monkeypatch.setattr("service_tasks.worker.SOON", LONG)
    called, gate = threading.Semaphore(0), threading.Semaphore(1)

    @service_task("work")
    def work() -> None:
        called.release()
        assert gate.acquire(timeout=LONG)

    Steps(stage.engine).deploy(process("two", start(), service("work"), end()))
    registry = Registry()
    registry.add(work)
    worker = Worker(stage.engine, registry)
    for _ in range(2):
        stage.engine.execute(instances.start, "two")
    with worker._listener:
        worker._turn()
        for _ in range(2):
            assert called.acquire(timeout=LONG)
        answered(worker)

        # when that one answers, too
        gathering = threading.Thread(target=worker._gather, daemon=True)
        gathering.start()
        gate.release()
        gathering.join(LONG / 2)

        # then both are reported, without waiting for the end of the patience
        assert not gathering.is_alive()
        assert worker._inbox.qsize() == 2
    worker._crew.stop()

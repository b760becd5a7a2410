"""Services that act and then answer badly, late or never: the effect happens once per key, by an independent recorder.

Recorder, worker and engine are processes of their own.
"""

from __future__ import annotations

import itertools
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine import incidents
from engine.queries import effects as ledger
from tests.acceptance.shop import ROOT, environment
from tests.acceptance.test_effects import stage, workers
from tests.service_tasks.stage import PROCESS

__all__ = ["stage", "workers"]
UNUSABLE = ["text", "broken", "large", "schema", "type", "list", "empty"]
UNKNOWN = ["error", "nonsense", "drop"]


class Book:
    """What the recorder wrote down."""

    def __init__(self, path):
        self.path = path
        self.path.touch()
        self.plan("")

    def plan(self, words):
        Path(f"{self.path}.next").write_text(words)

    @property
    def done(self):
        return self.path.read_text().split()

    @property
    def asked(self):
        asked = Path(f"{self.path}.asked")
        return asked.read_text().split() if asked.exists() else []


@contextmanager
def recorder(book, hang="0"):
    """The recorder in a process of its own; its address."""
    process = subprocess.Popen([sys.executable, "-m", "tests.acceptance.recorder", str(book.path), hang], cwd=ROOT,
                               env=environment(""), stdout=subprocess.PIPE, text=True)
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture
def book(tmp_path):
    return Book(tmp_path / "book")


def start(stage, service):
    stage.deploy("one-service.bpmn", PROCESS.replace('type="work"', f'type="{service}"').encode())
    return stage.start()


def effect(stage, key):
    [row] = ledger.effects(stage.engine, instance_key=key).items
    return row


def told(stage, key):
    """The open incident, or the end of the instance: whatever comes first."""
    def look():
        seen = stage.see(key)
        return seen if seen.row.state != "ACTIVE" or any(each.state == "ACTIVE" for each in seen.incidents) else None
    return stage.until(look)


def test_an_answer_that_cannot_be_used_is_not_asked_for_again_and_the_effect_is_in_doubt(stage, workers, book):
    stage, url = stage
    with recorder(book) as address, \
            workers(url, "tests.acceptance.recorder_client", environment("", RECORDER=address)) as hire:
        hire("worker")
        for how in UNUSABLE:
            # when
            book.plan(how)
            key = start(stage, "once")
            incident = stage.incident(key)

            # then it acted once, and nobody says that it did not
            row = effect(stage, key)
            assert book.done.count(row.idempotency_key) == book.asked.count(row.idempotency_key) == 1, how
            assert (row.effect, row.needs_decision) == ("IN_DOUBT", True), how
            assert "Expected" in incident.message, how


def test_an_operator_may_have_a_service_asked_again_that_acts_once_per_key(stage, workers, book):
    stage, url = stage
    with recorder(book) as address, \
            workers(url, "tests.acceptance.recorder_client", environment("", RECORDER=address)) as hire:
        hire("worker")
        for how in UNUSABLE:
            book.plan(how)
            key = start(stage, "work")
            incident = stage.incident(key)
            assert effect(stage, key).effect == "IN_DOUBT", how

            stage.engine.execute(incidents.resolve, incident.key)
            assert stage.ended(key).row.state == "COMPLETED", how

            row = effect(stage, key)
            assert row.effect == "CONFIRMED"
            assert book.done.count(row.idempotency_key) == 1, how
            assert book.asked.count(row.idempotency_key) == 2, how
        assert len(book.done) == len(set(book.done)) == len(UNUSABLE)


def test_an_answer_that_tells_nothing_is_asked_for_again_only_where_that_does_no_harm(stage, workers, book):
    stage, url = stage
    with recorder(book) as address, \
            workers(url, "tests.acceptance.recorder_client", environment("", RECORDER=address)) as hire:
        hire("worker")
        for how, (service, ends) in itertools.product(UNKNOWN, (("work", True), ("once", False))):
            book.plan(how)
            key = start(stage, service)
            seen = told(stage, key)

            row = effect(stage, key)
            assert (seen.row.state == "COMPLETED") is ends, how
            assert row.effect == ("CONFIRMED" if ends else "IN_DOUBT"), how
            assert book.done.count(row.idempotency_key) == 1, how
            assert book.asked.count(row.idempotency_key) == (2 if ends else 1), how


def test_a_call_that_hangs_far_past_its_lock_stays_with_its_worker(stage, workers, book):
    stage, url = stage
    with recorder(book, hang="2.5") as address, \
            workers(url, "tests.acceptance.recorder_client", environment("", RECORDER=address)) as hire:
        # given a call that hangs four times as long as the lock, and a second worker that waits for jobs
        book.plan("hang")
        key = start(stage, "once")
        hire("first")
        stage.until(lambda: book.asked)
        hire("second")

        # then its lock was renewed, and nobody else called
        assert stage.ended(key).row.state == "COMPLETED"
        row = effect(stage, key)
        assert (row.effect, row.attempt) == ("CONFIRMED", 1)
        assert book.done == book.asked == [row.idempotency_key]


def test_a_call_that_hangs_past_its_timeout_happens_once(stage, workers, book):
    stage, url = stage
    env = environment("", RECORDER_TIMEOUT="0.5")
    with recorder(book, hang="3") as address, \
            workers(url, "tests.acceptance.recorder_client", {**env, "RECORDER": address}) as hire:
        hire("worker")
        for service, ends in (("work", True), ("once", False)):
            book.plan("hang")
            key = start(stage, service)

            seen = told(stage, key)

            row = effect(stage, key)
            assert (seen.row.state == "COMPLETED") is ends
            assert (row.effect, row.needs_decision) == ("CONFIRMED" if ends else "IN_DOUBT", not ends)
            assert book.done.count(row.idempotency_key) == 1
            # On a busy machine a good answer may take longer than the timeout, too; then it is asked once more.
            assert book.asked.count(row.idempotency_key) >= 2 if ends else book.asked.count(row.idempotency_key) == 1

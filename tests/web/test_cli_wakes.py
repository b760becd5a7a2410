"""What a command commits wakes whoever waits for it on the nodes, at once: no worker and no long poll waits for its
next look into the database.
"""

from __future__ import annotations

import pytest
import structlog
from sqlalchemy import text
from typer.testing import CliRunner

from engine.cluster.wakeup import ended_topic, jobs_topic
from engine.engine import Engine
from engine.errors import Unavailable
from tests.engine.drawing import end, process, service, start
from tests.engine.steps import Steps
from web.cli import app

PATIENCE = 60
pytestmark = pytest.mark.postgres


@pytest.fixture
def database_url(postgres_template):
    return postgres_template()


@pytest.fixture
def node(database_url):
    """An engine that hears what others commit."""
    made = Engine(database_url)
    with made.wakeup.listen([]) as listener:
        made.queue.start(made.wakeup, None, ())
        assert listener.wait(PATIENCE)  # it listens now: then it wakes everybody once
    yield made
    made.queue.stop()
    made.close()


@pytest.fixture
def partitur(database_url, tmp_path, monkeypatch):
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("DATABASE_URL", database_url)
    for name in ("PARTITUR_URL", "PARTITUR_HOST", "PORT", "TIME_ZONE"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments):
        result = CliRunner().invoke(app, [*map(str, arguments), "--json"])
        assert result.exit_code == 0, result.output

    return run


@pytest.fixture
def work(node):
    steps = Steps(node)
    steps.deploy(process("work", start(), service("do"), end()))
    return steps


def test_a_started_instance_wakes_the_worker_of_its_job(node, work, partitur):
    with node.wakeup.listen([jobs_topic("do")]) as listener:
        partitur("start", "work")
        assert listener.wait(PATIENCE)


def test_a_cancelled_instance_wakes_who_waits_for_its_end(node, work, partitur):
    key = work.start("work")
    with node.wakeup.listen([ended_topic(key)]) as listener:
        partitur("cancel", key, "--reason", "a test")
        assert listener.wait(PATIENCE)


def test_a_released_service_wakes_its_workers(node, work, partitur):
    work.start("work")
    partitur("hold", "do", "--reason", "a test")
    with node.wakeup.listen([jobs_topic("do")]) as listener:
        partitur("release", "do", "--reason", "a test")
        assert listener.wait(PATIENCE)


def test_many_topics_of_one_commit_are_all_told(node, database_url):
    other = Engine(database_url)
    other.tell_others_at_once()
    topics = [jobs_topic(f"{number}" + "x" * 400) for number in range(100)]
    listeners = [node.wakeup.listen([topic]).__enter__() for topic in topics]
    other.wakeup.announce(topics)
    assert all(listener.wait(PATIENCE) for listener in listeners)
    other.close()


def test_a_command_that_cannot_tell_others_has_been_done_all_the_same(work, database_url, monkeypatch):
    other = Engine(database_url)
    other.tell_others_at_once()

    def away(connection, topics):
        raise Unavailable("the database is away")

    monkeypatch.setattr(other.queue, "tell", away)
    with structlog.testing.capture_logs() as told:
        Steps(other).start("work")
    assert [entry["event"] for entry in told] == ["other nodes were not told of a commit"]
    assert len(work.take("do")) == 1
    other.close()


def test_a_command_that_is_rolled_back_tells_nothing(work, database_url):
    other = Engine(database_url)
    other.tell_others_at_once()
    told = []
    other.wakeup.relay = told.append

    def in_vain(tx):
        tx.announce(jobs_topic("do"))
        tx.connection.execute(text("SELECT 1"))
        raise RuntimeError("in vain")

    with pytest.raises(RuntimeError, match="in vain"):
        other.execute(in_vain)
    assert told == []
    other.close()

"""What nodes on one PostgreSQL do not do to each other, so that more of them lose nothing."""

from __future__ import annotations

import psycopg
import pytest
from sqlalchemy import select, text

from engine import database, instances, schema
from engine.cluster import queue_postgres
from engine.cluster.queue_postgres import CHANNEL
from engine.cluster.wakeup import ended_topic, jobs_topic
from engine.database import Database
from engine.engine import Engine
from engine.work import jobs
from tests.engine.drawing import end, process, service, start
from tests.engine.steps import Steps

pytestmark = pytest.mark.postgres
PATIENCE = 20
PREPARED = text("SELECT count(*) FROM pg_prepared_statements")
CUT = text("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
           " WHERE datname = current_database() AND application_name = 'partitur' AND pid <> pg_backend_pid()")


@pytest.fixture
def engine(postgres_url):
    made = Engine(postgres_url)
    yield made
    made.close()


def prepared(engine):
    with engine.database.write() as connection:
        return connection.scalar(PREPARED)


def test_reading_leaves_the_statements_that_writers_have_prepared(engine):
    steps = Steps(engine)
    steps.deploy(process("quick", start(), end()))
    for _ in range(8):
        steps.start("quick")
    before = prepared(engine)
    assert before > 0
    with engine.read() as connection:
        connection.execute(select(schema.instances.c.key)).all()
    assert prepared(engine) >= before


def test_connection_is_tried_only_after_a_rest(engine, monkeypatch):
    tried = []
    ping = engine.database.engine.dialect.do_ping
    monkeypatch.setattr(engine.database.engine.dialect, "do_ping", lambda each: tried.append(each) or ping(each))
    with engine.read() as connection:
        connection.scalar(text("SELECT 1"))
    # given that it has not rested by then, however slow this is
    monkeypatch.setattr(database, "RESTED", 3600)
    with engine.read() as connection:
        connection.scalar(text("SELECT 1"))
    assert tried == []
    # when it has, then it is tried, and the server's restart is not felt
    monkeypatch.setattr(database, "RESTED", 0)
    other = Database(engine.database.engine.url.render_as_string(hide_password=False))
    with other.read() as connection:
        assert connection.scalar(CUT) >= 1
    other.close()
    with engine.read() as connection:
        assert connection.scalar(text("SELECT 1")) == 1
    assert tried


def test_commands_outlast_a_cut_of_connections_that_have_just_been_used(engine, monkeypatch):
    steps = Steps(engine)
    steps.deploy(process("quick", start(), end()))
    steps.start("quick")
    monkeypatch.setattr(database, "RESTED", 3600)
    other = Database(engine.database.engine.url.render_as_string(hide_password=False))
    with other.read() as connection:
        assert connection.scalar(CUT) >= 1
    other.close()
    assert steps.state(engine.execute(instances.start, "quick").key) == "COMPLETED"


def test_nobody_is_told_of_the_end_of_an_instance_that_nobody_knew(engine):
    told = []
    engine.wakeup.relay = lambda topics: told.append(set(topics))
    steps = Steps(engine)
    steps.deploy(process("quick", start(), end()))
    steps.deploy(process("work", start(), service("do"), end()))
    told.clear()
    steps.start("quick")
    assert told == []
    key = steps.start("work")
    assert told == [{jobs_topic("do")}]
    [job] = steps.take("do")
    engine.execute(jobs.complete, job.key)
    assert ended_topic(key) in told[-1]


def test_other_nodes_are_told_of_many_commits_together(engine, postgres_url, monkeypatch):
    monkeypatch.setattr(queue_postgres, "TOGETHER", 0.5)
    with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"LISTEN {CHANNEL}")
        engine.queue.start(engine.wakeup, None, ())
        heard = []
        try:
            engine.wakeup.announce(["first"])
            heard += [note.payload for note in connection.notifies(timeout=PATIENCE, stop_after=1)]
            for number in range(200):
                engine.wakeup.announce([f"topic{number}"])
            while not all(f'"topic{number}"' in "".join(heard) for number in range(200)):
                heard += [note.payload for note in connection.notifies(timeout=PATIENCE, stop_after=1)]
        finally:
            engine.queue.stop()
    assert '"first"' in heard[0]
    assert len(heard) <= 4

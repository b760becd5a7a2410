"""What nodes on one PostgreSQL do not do to each other, so that more of them lose nothing."""

from __future__ import annotations

import json
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import select, text

from engine import instances, postgres_pool, schema
from engine.cluster import queue_postgres
from engine.cluster.queue_postgres import CHANNEL
from engine.cluster.wakeup import ended_topic, jobs_topic
from engine.database import Database
from engine.engine import Engine
from engine.work import activation, jobs
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
    monkeypatch.setattr(postgres_pool, "RESTED", 3600)
    with engine.read() as connection:
        connection.scalar(text("SELECT 1"))
    assert tried == []
    # when it has, then it is tried, and the server's restart is not felt
    monkeypatch.setattr(postgres_pool, "RESTED", 0)
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
    monkeypatch.setattr(postgres_pool, "RESTED", 3600)
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


@pytest.mark.parametrize("wait", ["SOON", "TOGETHER"])
def test_other_nodes_are_told_of_many_commits_together(engine, postgres_url, monkeypatch, wait):
    # Of ends every `TOGETHER`, of anything else every `SOON`, but not sooner.
    kind = {"SOON": "topic", "TOGETHER": "ended:"}[wait]
    monkeypatch.setattr(queue_postgres, wait, 0.5)
    with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"LISTEN {CHANNEL}")
        engine.queue.start(engine.wakeup, None, ())
        heard = []
        try:
            engine.wakeup.announce(["first"])
            heard += [note.payload for note in connection.notifies(timeout=PATIENCE, stop_after=1)]
            for number in range(200):
                engine.wakeup.announce([f"{kind}{number}"])
            while not all(f'"{kind}{number}"' in "".join(heard) for number in range(200)):
                heard += [note.payload for note in connection.notifies(timeout=PATIENCE, stop_after=1)]
        finally:
            engine.queue.stop()
    assert '"first"' in heard[0]
    assert len(heard) <= 4


def test_what_hurries_takes_along_what_does_not(engine, postgres_url, monkeypatch):
    monkeypatch.setattr(queue_postgres, "TOGETHER", 3600)
    with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"LISTEN {CHANNEL}")
        engine.queue.start(engine.wakeup, None, ())
        try:
            engine.wakeup.announce(["ended:1"])     # the first of all is told at once
            [first] = connection.notifies(timeout=PATIENCE, stop_after=1)
            engine.wakeup.announce(["ended:2"])
            engine.wakeup.announce(["here:jobs:do"])
            engine.wakeup.announce(["jobs:do"])
            [second] = connection.notifies(timeout=PATIENCE, stop_after=1)
        finally:
            engine.queue.stop()
    assert json.loads(first.payload)[1:] == ["ended:1"]
    assert json.loads(second.payload)[1:] == ["ended:2", "here:jobs:do", "jobs:do"]


def test_others_are_told_what_is_acted_upon_where_it_happened(engine):
    told = []
    engine.wakeup.relay = lambda topics: told.append(set(topics))
    with engine.wakeup.listen([jobs_topic("do")]) as listener:
        engine.wakeup.announce([jobs_topic("do"), "ended:1"])
        listener.acts = True
        engine.wakeup.announce([jobs_topic("do"), "ended:1"])
        assert listener.wait(0)
        assert not listener.needed()
        engine.wakeup.hear_from_others(["here:" + jobs_topic("do")])
        assert listener.wait(0)
        assert not listener.needed()
        engine.wakeup.hear_from_others(["here:" + jobs_topic("other"), "ended:1"])
        assert not listener.wait(0)
        engine.wakeup.hear_from_others([jobs_topic("do")])
        assert listener.wait(0)
        assert listener.needed()
        assert not listener.needed()
    assert told == [{"jobs:do", "ended:1"}, {"here:jobs:do", "ended:1"}]


def test_jobs_are_left_to_the_node_that_made_them_for_so_long_and_no_longer(postgres_url, clock):
    one, two = Engine(postgres_url, clock=clock), Engine(postgres_url, clock=clock)
    steps = Steps(one)
    steps.deploy(process("work", start(), service("do"), end()))
    theirs, mine = steps.start("work"), Steps(two).start("work")

    def take(node, others_after, types=("do",)):
        return [job.instance_key for job in node.execute(
            activation.activate, types, "worker", 10, others_after=others_after)]

    wait = timedelta(seconds=1)
    assert take(two, wait) == [mine]
    assert take(two, wait) == []
    clock.advance(seconds=1)
    assert take(two, wait, ("do", "other")) == [theirs]
    # A block of keys that is used up is still this node's.
    mine = steps.start("work")
    for _ in range(one.keys.left):
        next(one.keys)
    last = steps.start("work")
    assert take(two, wait, ("do", "other")) == []
    assert sorted(take(one, wait, ("do", "other"))) == [mine, last]
    # Whoever does not ask to leave any gets all.
    theirs = steps.start("work")
    assert take(two, None) == [theirs]
    one.close()
    two.close()

"""A node whose connections to PostgreSQL are cut at any moment says so in sentences, and goes on."""

from __future__ import annotations

import itertools
import logging
import random
import threading
from collections import Counter

import asyncpg
import psycopg
import pytest
import structlog
from sqlalchemy.exc import OperationalError

from engine import instances, outages
from engine.cluster import queue_postgres
from engine.cluster.scheduler import Scheduler
from engine.engine import Engine
from engine.statements import send, together
from tests.engine.drawing import catch, end, process, start, timer
from tests.engine.steps import Steps

PATIENCE = 60
CUT = ("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
       " WHERE datname = current_database() AND application_name IN ('partitur-queue', 'partitur-wakeup')")


@pytest.fixture
def engine(postgres_template):
    made = Engine(postgres_template())
    yield made
    made.close()


@pytest.mark.postgres
def test_connections_that_are_cut_over_and_over_are_told_in_sentences(engine, monkeypatch, caplog):
    monkeypatch.setattr(queue_postgres, "AGAIN", 0.01)
    steps = Steps(engine)
    steps.deploy(process("wait", start(), catch("later", timer("Duration", "PT0.2S")), end()))
    chance, pause, cuts = random.Random(11), threading.Event(), 0
    scheduler = Scheduler(engine)
    url = engine.database.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with structlog.testing.capture_logs() as told, psycopg.connect(url, autocommit=True) as connection:
        engine.queue.start(engine.wakeup, scheduler.handle, scheduler.groups)
        scheduler.start()
        # given a node whose connections are cut wherever it is: opening one, looking into the tables, listening
        while cuts < 80:
            pause.wait(chance.uniform(0, 0.08))
            cuts += connection.execute(CUT).fetchone()[0]
        # when it is calm again
        key = engine.execute(instances.start, "wait").key
        for _ in itertools.takewhile(lambda waited: waited < PATIENCE * 20, itertools.count()):
            if steps.state(key) == "COMPLETED" and engine.queue.is_live:
                break
            pause.wait(0.05)
        scheduler.stop()
        engine.queue.stop()

    # then it goes on, and each lost connection was a sentence
    assert steps.state(key) == "COMPLETED"
    events = Counter(entry["event"] for entry in told)
    assert events["lost the connection"] > 0
    assert "a connection failed" not in events
    assert not [entry for entry in told if "exc_info" in entry]
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []


@pytest.mark.parametrize("error", [
    asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress"),
    asyncpg.AdminShutdownError("terminating connection due to administrator command"), ConnectionResetError(),
    TimeoutError(), asyncpg.InterfaceError("connection is closed")], ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("name", queue_postgres.TALKERS)
def test_library_that_tells_of_a_lost_connection_does_it_in_a_sentence(name, error, caplog):
    logging.getLogger(name).exception("Failed to do %s.", "this", exc_info=error)
    [record] = caplog.records
    assert record.getMessage() == f"Failed to do this ({str(error) or type(error).__name__})"
    assert record.levelno == logging.WARNING
    assert record.exc_info is None


def test_library_that_tells_of_a_mistake_says_where_it_was(caplog):
    logging.getLogger("pgqueuer").exception("Failed.", exc_info=ZeroDivisionError("division by zero"))
    [record] = caplog.records
    assert record.levelno == logging.ERROR
    assert record.exc_info


@pytest.mark.postgres
def test_a_connection_that_is_cut_among_statements_sent_together_is_given_up(engine, monkeypatch, caplog):
    def ended(pipeline):
        # The server said why, and the end of the connection was not seen yet: then psycopg cannot leave the pipeline.
        raise psycopg.errors.AdminShutdown("terminating connection due to administrator command")
        yield

    def wait_for_answers(connection):
        with monkeypatch.context() as patch, together(connection):
            patch.setattr(psycopg.Pipeline, "_exit_gen", ended)
            send(connection, "SELECT 1").close()

    # given a transaction of which the server ends the connection before it answered everything
    with engine.database.write() as connection:
        process = send(connection, "SELECT pg_backend_pid()").fetchone()[0]
        with pytest.raises(OperationalError, match="terminating connection") as told:
            wait_for_answers(connection)
        assert outages.broke_connection(told.value)
        assert connection.invalidated
        connection.rollback()

    # then the connection is not used again, and nothing is logged of it
    assert caplog.records == []
    with engine.database.write() as another:
        assert send(another, "SELECT pg_backend_pid()").fetchone()[0] != process

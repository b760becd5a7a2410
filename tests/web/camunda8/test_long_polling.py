"""Long polls behind the real server: they wait without work, wake at once, and take nothing for who is gone."""

from __future__ import annotations

import json
import socket
import sqlite3
import threading
import time

import httpx
import pytest

from engine.cluster.wakeup import jobs_topic
from engine.engine import Engine
from engine.queries import lists
from tests.engine import drawing
from tests.web.camunda8.conftest import Api
from web.app import create_app

PATIENCE = 20


@pytest.fixture
def order(api):
    api.deploy(drawing.process("order", drawing.start(), drawing.service("pay"), drawing.end()))
    return api


def asked(**more):
    return {"type": "pay", "timeout": 60_000, "maxJobsToActivate": 5, "worker": "w", **more}


def poll(server, **more):
    address = f"http://127.0.0.1:{server.port}/v2/jobs/activation"
    return httpx.post(address, json=asked(**more), timeout=PATIENCE, trust_env=False).json()["jobs"]


def wait_until(condition):
    """Give other threads time, but not for ever."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "It did not happen in time."
        threading.Event().wait(0.01)


def listening(engine):
    return sum(listener.hears({jobs_topic("pay")}) for listener in list(engine.wakeup._listeners))


def raw_poll(server, path="/v2/jobs/activation", body=None):
    """A poll on a connection that the test holds."""
    connection = socket.create_connection(("127.0.0.1", server.port))
    content = json.dumps(body or asked(requestTimeout=60_000)).encode()
    connection.sendall(b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                       b"Content-Length: %d\r\n\r\n%s" % (path.encode(), len(content), content))
    return connection


def test_a_waiting_poll_is_answered_when_a_job_comes(order, server, engine):
    answers = []
    client = threading.Thread(target=lambda: answers.append((poll(server), time.monotonic())))
    client.start()
    wait_until(lambda: listening(engine))
    started = time.monotonic()
    order.start("order", {"amount": 1})
    client.join(PATIENCE)
    [([job], answered)] = answers
    assert job["variables"] == {"amount": 1}
    assert answered - started < 1.0, "A poll must not wait for its next look."


def test_a_poll_without_jobs_ends_with_the_patience_of_its_client(order, server):
    started = time.monotonic()
    assert poll(server, requestTimeout=300) == []
    assert 0.3 <= time.monotonic() - started < 5
    started = time.monotonic()
    assert poll(server, requestTimeout=-1) == []
    assert time.monotonic() - started < 5


def test_a_poll_without_jobs_needs_no_writing_transaction(order, server, engine):
    # given somebody who is writing all the time
    writing = sqlite3.connect(engine.database.engine.url.database, isolation_level=None)
    writing.execute("BEGIN IMMEDIATE")

    # when a worker asks, then it is answered meanwhile
    assert poll(server, requestTimeout=300) == []
    writing.execute("ROLLBACK")
    writing.close()


def test_a_poll_whose_client_is_gone_takes_no_job(order, server, engine):
    # given a worker that closed its connection while it waited
    connection = raw_poll(server)
    wait_until(lambda: listening(engine) == 1)
    connection.close()
    wait_until(lambda: not server._server.active_channels)

    # when a job comes
    order.start("order")

    # then it is still there for somebody else, at once
    wait_until(lambda: listening(engine) == 0)
    [job] = lists.jobs(engine).items
    assert (job.state, job.attempt) == ("CREATED", 0)
    assert len(poll(server, requestTimeout=-1)) == 1


def test_polls_whose_clients_are_gone_leave_nothing_behind(order, server, engine):
    connections = [raw_poll(server) for _ in range(8)]
    wait_until(lambda: server.lot.waiting == 8)
    for connection in connections:
        connection.close()
    wait_until(lambda: listening(engine) == 0 and server.lot.waiting == 0)


def test_of_many_polls_one_gets_the_job(order, server, engine):
    answers = []
    clients = [threading.Thread(target=lambda: answers.append(poll(server, requestTimeout=1_500))) for _ in range(5)]
    for client in clients:
        client.start()
    wait_until(lambda: server.lot.waiting == 5)
    order.start("order")
    for client in clients:
        client.join(PATIENCE)
    assert sorted(map(len, answers)) == [0, 0, 0, 0, 1]


def test_a_poll_wakes_when_the_pause_after_a_failure_is_over(sqlite_url):
    # given a real clock, and a job that may be tried again in half a second
    engine = Engine(sqlite_url, synchronous="OFF")
    order = Api(create_app(engine, secret_key="test"), engine)
    order.deploy(drawing.process("order", drawing.start(), drawing.service("pay"), drawing.end()))
    order.start("order")
    [job] = order.take("pay")
    order.send("POST", f"/jobs/{job['jobKey']}/failure", {"retries": 1, "retryBackOff": 500})

    # when a worker waits
    started = time.monotonic()
    taken = order.take("pay", requestTimeout=PATIENCE * 1000)

    # then it gets the job when that is due, not at its next look
    assert len(taken) == 1
    assert time.monotonic() - started < 3
    engine.close()


def test_waiting_polls_do_not_hold_up_a_server_that_leaves(order, server, engine):
    answers = []
    client = threading.Thread(target=lambda: answers.append(poll(server)))
    client.start()
    wait_until(lambda: listening(engine))
    started = time.monotonic()
    assert server.drain(PATIENCE)
    assert time.monotonic() - started < 8
    client.join(PATIENCE)
    assert answers == [[]]

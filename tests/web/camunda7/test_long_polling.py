"""Long polls of external task workers behind the real server."""

from __future__ import annotations

import threading
import time

import httpx
import pytest

from engine.queries import lists
from tests.web.camunda7.drawing import external, process
from tests.web.camunda8.test_long_polling import PATIENCE, raw_poll, wait_until

PATH = "/engine-rest/external-task/fetchAndLock"


@pytest.fixture
def order(api):
    api.deploy(process("order", external("pay")))
    return api


def asked(patience):
    topics = [{"topicName": name, "lockDuration": 60_000} for name in ("pay", "ship")]
    return {"workerId": "w", "maxTasks": 5, "asyncResponseTimeout": patience, "topics": topics}


def poll(server, patience=PATIENCE * 1000):
    response = httpx.post(f"http://127.0.0.1:{server.port}{PATH}", json=asked(patience), timeout=2 * PATIENCE,
                          trust_env=False)
    assert response.headers["content-type"] == "application/json", "The JavaScript client compares all of it."
    return response.json()


def listening(engine, topic="jobs:pay"):
    return sum(listener.hears({topic}) for listener in list(engine.wakeup._listeners))


@pytest.mark.parametrize("topic", ["jobs:pay", "jobs:ship"])
def test_a_waiting_poll_hears_of_each_of_its_topics(order, server, engine, topic):
    client = threading.Thread(target=poll, args=(server, 500))
    client.start()
    wait_until(lambda: listening(engine, topic))
    client.join(PATIENCE)


def test_a_waiting_poll_is_answered_when_a_task_comes(order, server, engine):
    answers = []
    client = threading.Thread(target=lambda: answers.append((poll(server), time.monotonic())))
    client.start()
    wait_until(lambda: listening(engine))
    started = time.monotonic()
    order.start("order", {"amount": 5})
    client.join(PATIENCE)
    [([task], answered)] = answers
    assert task["variables"]["amount"]["value"] == 5
    assert answered - started < 1.0, "A poll must not wait for its next look."


@pytest.mark.parametrize("patience", [None, 0])
def test_without_a_timeout_the_answer_comes_at_once(order, server, patience):
    started = time.monotonic()
    assert poll(server, patience) == []
    assert time.monotonic() - started < 5


def test_an_idle_poll_ends_with_the_patience_of_its_client(order, server):
    started = time.monotonic()
    assert poll(server, 300) == []
    assert 0.3 <= time.monotonic() - started < 5


def test_a_poll_whose_client_is_gone_takes_no_task(order, server, engine):
    # given a worker that closed its connection while it waited
    connection = raw_poll(server, PATH, asked(3 * PATIENCE * 1000))
    wait_until(lambda: listening(engine) == 1)
    connection.close()
    wait_until(lambda: not server._server.active_channels)

    # when a task comes
    order.start("order")

    # then it is still there for somebody else, at once
    wait_until(lambda: listening(engine) == 0)
    [job] = lists.jobs(engine).items
    assert (job.state, job.attempt) == ("CREATED", 0)
    assert len(poll(server, 0)) == 1

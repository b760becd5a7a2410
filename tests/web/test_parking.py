"""Requests that wait hold no thread, are woken one at a time, and are all answered when the server leaves."""

from __future__ import annotations

import json
import select
import socket
import threading
import time

import httpx
import pytest

from engine import instances
from engine.cluster.wakeup import Wakeup
from engine.queries import due_jobs, lists
from tests.engine import drawing
from tests.web.camunda7 import drawing as drawing7
from tests.web.camunda8.conftest import Api, app, engine
from tests.web.camunda8.test_long_polling import PATIENCE, asked, raw_poll, wait_until
from web.cli.web_server import WebServer
from web.parking import Full, Lot, Parked, Place

__all__ = ["app", "engine"]

MANY = 500
FETCH = "/engine-rest/external-task/fetchAndLock"


@pytest.fixture
def order(app, engine):
    api = Api(app, engine)
    api.deploy(drawing.process("order", drawing.start(), drawing.service("pay"), drawing.end()))
    return api


@pytest.fixture
def started(app):
    """Starts servers of the application, and lets them leave at the end."""
    made = []

    def start(**settings):
        server = WebServer(app, "127.0.0.1", 0, **{"threads": 4, **settings})
        server.start()
        made.append(server)
        return server

    yield start
    for server in made:
        server.drain(5)


def get(server, path):
    return httpx.get(f"http://127.0.0.1:{server.port}{path}", timeout=PATIENCE, trust_env=False)


def answer_to(connection):
    """Status and content of what the server sent to a raw connection."""
    connection.settimeout(PATIENCE)
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += connection.recv(1)      # no more than the head: the next answer may have come, too
    length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-len"))
    content = b""
    while len(content) < length:
        content += connection.recv(length - len(content))
    return int(head.split()[1]), json.loads(content)


def answered(connections):
    poll = select.poll()
    for connection in connections:
        poll.register(connection, select.POLLIN)
    ready = {number for number, _ in poll.poll(0)}
    return [connection for connection in connections if connection.fileno() in ready]


def test_pages_are_answered_while_hundreds_of_polls_wait(order, started, engine):
    # given far more waiting workers than threads
    server = started()
    connections = [raw_poll(server) for _ in range(MANY)]
    wait_until(lambda: server.lot.waiting == MANY)

    # then a page comes
    assert get(server, "/instances").status_code == 200
    assert server.lot.waiting == MANY

    # when a job comes, then one of them gets it and the others wait on
    order.start("order")
    wait_until(lambda: server.lot.waiting == MANY - 1)
    wait_until(lambda: answered(connections))
    [lucky] = answered(connections)
    assert answer_to(lucky)[1]["jobs"][0]["type"] == "pay"

    # when they are gone, then nothing is left of them and the next job is free
    for connection in connections:
        connection.close()
    wait_until(lambda: not server.lot._counted and not server.lot._groups)
    order.start("order")
    assert [job.attempt for job in lists.jobs(engine).items if job.state == "CREATED"] == [0]


def test_idle_polls_of_one_kind_look_into_the_database_for_each_other(order, started, engine, monkeypatch):
    looks = []
    look = due_jobs.next_due
    monkeypatch.setattr(due_jobs, "next_due", lambda *given: looks.append(1) or look(*given))
    monkeypatch.setattr("web.polling.LOOK", 0.1)
    server = started()
    connections = [raw_poll(server) for _ in range(50)]
    wait_until(lambda: server.lot.waiting == 50)
    looks.clear()
    begin = time.monotonic()
    wait_until(lambda: len(looks) >= 5)
    # Each for itself they would have looked fifty times in the first of these intervals.
    assert len(looks) <= 5 + (time.monotonic() - begin) / 0.1
    for connection in connections:
        connection.close()


def test_more_jobs_than_one_worker_takes_go_to_the_next_ones(order, started):
    # given ten waiting workers that take one job each
    server = started()
    connections = [raw_poll(server, body=asked(maxJobsToActivate=1, requestTimeout=60_000)) for _ in range(10)]
    wait_until(lambda: server.lot.waiting == 10)

    # when one transaction makes six jobs
    order.engine.execute(lambda tx: [instances.start(tx, "order") for _ in range(6)])

    # then six of them have one, and nobody has to look unasked
    begin = time.monotonic()
    wait_until(lambda: server.lot.waiting == 4)
    assert time.monotonic() - begin < 4
    wait_until(lambda: len(answered(connections)) == 6)
    for connection in answered(connections):
        assert len(answer_to(connection)[1]["jobs"]) == 1


def test_a_poll_that_wants_other_jobs_of_the_type_keeps_none_from_its_successors(app, engine, started):
    # given two workers: the first wants only jobs of another process
    Api(app, engine).upload(("order.bpmn", drawing7.file(drawing7.process("order", drawing7.external("pay")))))
    server = started()

    def fetch(**more):
        topic = {"topicName": "pay", "lockDuration": 60_000, **more}
        return {"workerId": "w", "maxTasks": 1, "asyncResponseTimeout": 60_000, "topics": [topic]}

    picky = raw_poll(server, FETCH, fetch(processDefinitionKey="other"))
    wait_until(lambda: server.lot.waiting == 1)
    other = raw_poll(server, FETCH, fetch())
    wait_until(lambda: server.lot.waiting == 2)

    # when a job comes, then the second has it
    Api(app, engine).start("order")
    assert len(answer_to(other)[1]) == 1
    # then the first one, which may just be looking, waits on
    wait_until(lambda: server.lot.waiting == 1)
    picky.close()


def test_polls_beyond_the_limit_are_sent_away_in_the_words_of_their_interface(order, started):
    server = started(polls=2)
    waiting = [raw_poll(server), raw_poll(server)]
    wait_until(lambda: server.lot.waiting == 2)

    # when a third one comes, then it is told to come again
    address = f"http://127.0.0.1:{server.port}"
    refused = httpx.post(f"{address}/v2/jobs/activation", json=asked(), trust_env=False, timeout=PATIENCE)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert (refused.json()["title"], refused.json()["status"]) == ("RESOURCE_EXHAUSTED", 503)
    refused = httpx.post(address + FETCH, trust_env=False, timeout=PATIENCE, json={
        "workerId": "w", "maxTasks": 1, "asyncResponseTimeout": 9_000,
        "topics": [{"topicName": "ship", "lockDuration": 1_000}],
    })
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert refused.json().keys() == {"type", "message", "code"}

    # then an instance that could not be waited for was not started either
    start = {"processDefinitionId": "order", "awaitCompletion": True}
    assert httpx.post(f"{address}/v2/process-instances", json=start, trust_env=False).status_code == 503
    assert order.items("process-instances") == []

    # when one leaves, then there is room again
    waiting.pop().close()
    wait_until(lambda: server.lot._counted == 1)
    waiting.append(raw_poll(server))
    wait_until(lambda: server.lot.waiting == 2)
    for connection in waiting:
        connection.close()


def test_a_server_that_leaves_answers_all_that_wait(order, started):
    server = started()
    connections = [raw_poll(server) for _ in range(40)]
    wait_until(lambda: server.lot.waiting == 40)
    assert server.drain(PATIENCE)
    assert [answer_to(connection) for connection in connections] == [(200, {"jobs": []})] * 40
    assert get(server, "/instances").status_code == 503


def test_a_start_that_waits_for_the_end_starts_once_and_holds_no_thread(order, started):
    server = started()
    body = {"processDefinitionId": "order", "awaitCompletion": True, "requestTimeout": 60_000}
    connections = [raw_poll(server, "/v2/process-instances", body) for _ in range(8)]
    wait_until(lambda: server.lot.waiting == 8)
    assert get(server, "/instances").status_code == 200
    [job, *_] = jobs = order.take("pay", maxJobsToActivate=20)
    assert len(jobs) == 8
    order.send("POST", f"/jobs/{job['jobKey']}/completion", {"variables": {"paid": True}})
    wait_until(lambda: server.lot.waiting == 7)
    for connection in connections:
        connection.close()
    assert len(order.items("process-instances")) == 8


def test_requests_that_follow_on_one_connection_are_answered_in_order(order, started):
    # given a client that sends the next request before it has the answer to its poll
    server = started()
    connection = raw_poll(server)
    wait_until(lambda: server.lot.waiting == 1)
    connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")

    # when the poll gets its job, then both answers come
    order.start("order")
    assert answer_to(connection)[1]["jobs"]
    assert answer_to(connection) == (200, {"status": "UP"})
    connection.close()


class Runs:
    """Counts how often a request of the lot is run again."""

    def __init__(self, lot):
        self.count = 0
        self.connected = True
        self.place = Place(lot, self._run, lambda: self.connected)

    def _run(self):
        self.count += 1

    def wait(self, wakeup, likes=None, seconds=3600.0):
        self.place.join(wakeup, ["jobs:pay"], likes)
        with pytest.raises(Parked):
            raise self.place.wait(time.monotonic() + seconds, time.monotonic() + 3600)
        self.place._lot.park(self.place)


def test_what_is_announced_between_looking_and_waiting_is_not_missed():
    lot, wakeup = Lot(10), Wakeup()
    runs = Runs(lot)
    runs.place.join(wakeup, ["jobs:pay"], None)
    parked = runs.place.wait(time.monotonic() + 60, time.monotonic() + 60)
    wakeup.announce(["jobs:pay"])
    assert isinstance(parked, Parked)
    lot.park(runs.place)
    assert (runs.count, lot.waiting) == (1, 0)


def test_one_of_a_kind_is_woken_and_the_next_when_that_one_is_done():
    lot, wakeup = Lot(10), Wakeup()
    first, second, other = Runs(lot), Runs(lot), Runs(lot)
    first.wait(wakeup)
    second.wait(wakeup)
    other.wait(wakeup, "other")
    wakeup.announce(["jobs:pay"])
    assert [first.count, second.count, other.count] == [1, 0, 1]

    # when it found nothing, then it waits on, before the others
    first.wait(wakeup)
    wakeup.announce(["jobs:pay"])
    assert [first.count, second.count] == [2, 0]

    # when it is answered, then the next one looks whether there is more
    lot.forget(first.place)
    assert second.count == 1


def test_who_has_gone_while_it_was_leaving_its_thread_does_not_wait():
    lot, wakeup = Lot(10), Wakeup()
    runs = Runs(lot)
    runs.connected = False
    runs.wait(wakeup)
    assert (runs.count, lot.waiting) == (1, 0)
    lot.forget(runs.place)
    assert wakeup._listeners == []


def test_there_is_no_more_room_than_there_is():
    lot, wakeup = Lot(1), Wakeup()
    Runs(lot).wait(wakeup)
    with pytest.raises(Full, match="at most 1 requests"):
        Runs(lot).wait(wakeup)


def test_patience_ends():
    lot, wakeup, over = Lot(1), Wakeup(), threading.Event()
    runs = Runs(lot)
    runs.place.run_again = over.set
    runs.wait(wakeup, seconds=0.05)
    assert over.wait(PATIENCE)
    assert lot.waiting == 0


def test_a_host_with_several_addresses_can_be_served(app):
    server = WebServer(app, "localhost", 0)
    server.start()
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answer_to(connection) == (200, {"status": "UP"})
    server.drain(5)

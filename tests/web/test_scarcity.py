"""Fewer connections than threads, and a database far away: requests wait or are told to come again, nothing is lost."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta

import pytest

from engine import database as databases
from engine import instances
from engine.cluster import agreed
from engine.cluster.scheduler import Scheduler
from engine.cluster.wakeup import ended_topic
from engine.engine import Engine
from engine.errors import Unavailable
from engine.queries.instances import InstanceFilter, search
from service_tasks import service_task
from service_tasks.registry import Registry
from service_tasks.worker import Worker
from tests.engine.drawing import catch, end, process, service, start, timer
from tests.engine.steps import Steps
from tests.proxy import Proxy
from web.app import create_app

pytestmark = pytest.mark.postgres
PATIENCE = 60


@pytest.fixture
def engine_with(postgres_template, monkeypatch):
    """Makes an engine that has so many connections, and waits so long for one."""
    made = []

    def make(connections, patience):
        pool = {**databases.POSTGRES_POOL, "pool_size": connections, "max_overflow": 0, "pool_timeout": patience}
        monkeypatch.setattr(databases, "POSTGRES_POOL", pool)
        made.append(Engine(postgres_template()))
        Steps(made[-1]).deploy(process("errand", start(), service("do"), end()))
        return made[-1]

    yield make
    for engine in made:
        engine.close()


def started(engine):
    return [row.business_id for row in search(engine, InstanceFilter(process_id="errand"), limit=1000).items]


@pytest.mark.parametrize("connections", [1, 3])
def test_more_threads_than_connections_take_turns(engine_with, connections):
    # given: with a single one, whoever needed two at once would wait for itself
    engine = engine_with(connections, PATIENCE)
    client = create_app(engine, secret_key="test")

    def order(number):
        return client.test_client().post("/v2/process-instances", headers={"Idempotency-Key": f"K-{number}"}, json={
            "processDefinitionId": "errand", "businessId": f"B-{number}"}).status_code

    with ThreadPoolExecutor(24) as crowd:
        answers = list(crowd.map(order, [*range(40), *range(40)]))

    # then everybody was served, and each order is there once
    assert set(answers) <= {200, 409}, answers    # 409: the same key at the same time
    assert sorted(started(engine)) == sorted(f"B-{number}" for number in range(40))


def test_who_gets_no_connection_in_time_is_told_to_come_again_and_finds_all_as_it_was(engine_with):
    # given an engine whose connections are all in use
    engine = engine_with(2, 0.2)
    client = create_app(engine, secret_key="test").test_client()

    def order():
        return client.post("/v2/process-instances", headers={"Idempotency-Key": "K"}, json={
            "processDefinitionId": "errand", "businessId": "B"})

    with ExitStack() as in_use:
        for _ in range(2):
            in_use.enter_context(engine.database.engine.connect())

        # when somebody asks
        with pytest.raises(Unavailable, match=r"no connection to it became free in time\. Nothing was changed"):
            engine.execute(instances.start, "errand")
        refused = order()

    # then it is no fault of theirs
    assert refused.status_code == 503
    assert int(refused.headers["Retry-After"]) > 0
    assert client.get("/health").status_code == 200
    # and when they come again, it is done, once
    assert order().status_code == order().status_code == 200
    assert started(engine) == ["B"]


def test_workers_and_timers_go_on_with_a_single_connection(engine_with):
    engine = engine_with(1, PATIENCE)
    Steps(engine).deploy(process("both", start(), service("do"), catch("later", timer("Duration", "PT0.1S")), end()))
    calls = []

    @service_task("do", idempotent=True)
    def do() -> None:
        calls.append(1)

    registry = Registry()
    registry.add(do)
    worker, scheduler = Worker(engine, registry, threads=8, poll=timedelta(seconds=0.05)), Scheduler(engine)
    keys = [engine.execute(instances.start, "both").key for _ in range(20)]
    worker.start()
    scheduler.start()
    try:
        finish(engine, keys)
    finally:
        worker.stop(timedelta(seconds=PATIENCE))
        scheduler.stop()
    assert len(calls) == 20


def finish(engine, keys):
    """Wait until instances have completed."""
    with engine.wakeup.listen([ended_topic(key) for key in keys]) as listener:
        for _ in range(PATIENCE * 5):
            rows = search(engine, InstanceFilter(states=("completed",)), limit=1000).items
            if {row.key for row in rows} >= set(keys):
                return
            listener.wait(0.2)
    raise AssertionError("Expected all to complete, but some did not.")


def test_database_that_is_100_ms_away_slows_down_and_nothing_else(postgres_template):
    # given
    proxy = Proxy(postgres_template())
    engine = Engine(proxy.url)
    steps = Steps(engine)
    steps.deploy(process("both", start(), service("do"), catch("later", timer("Duration", "PT0.1S")), end()))
    calls = []

    @service_task("do", idempotent=True)
    def do() -> None:
        calls.append(threading.current_thread().name)

    registry = Registry()
    registry.add(do)
    proxy.away = 0.1
    began = time.monotonic()
    agreed.join(engine)
    assert time.monotonic() - began >= agreed.TRIES * 0.1   # it is away
    worker, scheduler = Worker(engine, registry, threads=4, poll=timedelta(seconds=0.05)), Scheduler(engine)
    engine.queue.start(engine.wakeup, scheduler.handle, scheduler.groups)
    worker.start()
    scheduler.start()
    try:
        # when people start instances, each twice because the answer takes so long
        client = create_app(engine, secret_key="test")

        def order(number):
            return client.test_client().post("/v2/process-instances", headers={"Idempotency-Key": f"K-{number}"},
                                             json={"processDefinitionId": "both", "businessId": f"B-{number}"})

        with ThreadPoolExecutor(8) as crowd:
            answers = list(crowd.map(order, [*range(10), *range(10)]))
        keys = {int(answer.json["processInstanceKey"]) for answer in answers if answer.status_code == 200}

        # then each is there once, and ends
        assert {answer.status_code for answer in answers} <= {200, 409}
        assert len(keys) == 10
        finish(engine, keys)
    finally:
        worker.stop(timedelta(seconds=PATIENCE))
        scheduler.stop()
        engine.queue.stop()
    assert len(calls) == 10
    assert client.test_client().get("/instances").status_code == 200
    engine.close()
    proxy.close()

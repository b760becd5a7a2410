"""A worker that has enough to do leaves jobs of other nodes to their workers, but lets none of them wait for long."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine import instances
from engine.cluster.wakeup import jobs_topic
from engine.engine import Engine
from service_tasks import Registry, service_task
from service_tasks import worker as worker_module
from service_tasks.worker import Worker
from tests.engine.drawing import end, process, service, start
from tests.engine.steps import Steps

pytestmark = pytest.mark.postgres


@pytest.fixture
def database_url(postgres_url):
    return postgres_url


@pytest.fixture
def neighbour(stage, database_url, clock):
    """Another node, which has a worker of its own."""
    made = Engine(database_url, clock=clock)
    Steps(made).deploy(process("one", start(), service("work"), end()))
    yield made
    made.close()


@pytest.fixture
def worker(stage):
    """A worker whose turns the test makes itself; its node can tell the others."""
    @service_task("work")
    def work() -> None:
        return None

    registry = Registry()
    registry.add(work)
    stage.engine.wakeup.relay = lambda topics: None
    made = Worker(stage.engine, registry)
    with made._listener:
        yield made
    made._crew.stop()


def take(worker):
    """One turn, and after it the instances whose jobs the worker holds; their calls are answered by then."""
    worker._turn()
    answers = [worker._inbox.get(timeout=30) for _ in worker._held]
    for answer in answers:
        worker._inbox.put(answer)
    return {held.job.instance_key for held in worker._held.values()}


def begin(engine):
    return engine.execute(instances.start, "one").key


def test_an_idle_worker_takes_what_others_made(worker, neighbour):
    theirs = begin(neighbour)
    assert take(worker) == {theirs}


def test_a_busy_worker_takes_its_own_and_leaves_the_rest_for_a_while(worker, neighbour, stage, clock, monkeypatch):
    monkeypatch.setattr(worker_module, "LEFT_TO_OTHERS", timedelta(hours=1))    # longer than any test takes
    mine = begin(stage.engine)
    assert take(worker) == {mine}
    theirs, second = begin(neighbour), begin(stage.engine)
    assert take(worker) == {second}
    clock.advance(hours=1)
    assert take(worker) == {theirs}


def test_a_worker_that_had_nothing_more_of_its_own_takes_what_others_made(worker, neighbour, stage, monkeypatch):
    monkeypatch.setattr(worker_module, "LEFT_TO_OTHERS", timedelta(hours=1))
    mine = begin(stage.engine)
    assert take(worker) == {mine}
    theirs = begin(neighbour)
    assert take(worker) == set()    # it answered
    assert take(worker) == {theirs}


def test_a_busy_worker_takes_what_nobody_takes_where_it_was_made(worker, neighbour, stage):
    mine = begin(stage.engine)
    assert take(worker) == {mine}
    theirs = begin(neighbour)
    stage.engine.wakeup.hear_from_others([jobs_topic("work")])
    assert take(worker) == {theirs}


def test_a_busy_worker_takes_everything_where_nodes_cannot_tell_each_other(worker, neighbour, stage):
    mine = begin(stage.engine)
    assert take(worker) == {mine}
    stage.engine.wakeup.relay = None
    theirs = begin(neighbour)
    assert take(worker) == {theirs}


def test_only_a_worker_of_all_partitions_that_has_not_been_stopped_acts_upon_all(worker, stage):
    told = []
    stage.engine.wakeup.relay = lambda topics: told.extend(topics)
    topic = jobs_topic("work")
    stage.engine.wakeup.announce([topic])
    worker.stop(timedelta())
    stage.engine.wakeup.announce([topic])
    stage.engine.partitions = frozenset({1})
    registry = Registry()
    registry.add(worker._contracts["work"].function)
    some = Worker(stage.engine, registry)
    with some._listener:
        stage.engine.wakeup.announce([topic])
    some._crew.stop()
    assert told == ["here:" + topic, topic, topic]

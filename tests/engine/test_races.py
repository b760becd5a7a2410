"""Many at once: nothing is lost, nothing is done twice, and nobody sees a lock."""

from __future__ import annotations

import threading

import pytest

from engine import instances, keys
from engine.engine import Engine
from engine.errors import Rejection, WrongState
from engine.queries import instances as instance_lists
from engine.queries.instances import InstanceFilter
from engine.work import jobs
from tests.engine.drawing import call, end, process, service, start


def together(*tasks) -> list[BaseException]:
    """Run all at the same time; what they raised."""
    raised: list[BaseException] = []
    ready = threading.Barrier(len(tasks))

    def run(task) -> None:
        ready.wait()
        try:
            task()
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=run, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


@pytest.fixture
def nodes(engine, clock, database_url):
    """Two engines on one database, as two processes have them."""
    other = Engine(database_url, clock=clock)
    yield [engine, other]
    other.close()


def test_jobs_of_one_instance_may_be_completed_at_the_same_time(nodes, steps):
    # given an instance with twelve jobs, and two nodes with six workers each
    steps.deploy(process(
        "wide", start(), '<bpmn:parallelGateway id="split"/>', *(service(f"s{n}", "do") for n in range(12)),
        '<bpmn:parallelGateway id="join"/>', end(),
        flows="start>split join>end " + " ".join(f"split>s{n} s{n}>join" for n in range(12)),
    ))
    key = steps.start("wide")
    taken = steps.take("do", max_jobs=12)

    # when all answer at once
    raised = together(*(
        lambda node=nodes[number % 2], job=job: node.execute(jobs.complete, job.key, {job.element_id: 1})
        for number, job in enumerate(taken)
    ))

    # then every answer counts
    assert raised == []
    assert steps.state(key) == "COMPLETED"
    assert len(steps.variables(key)) == 12
    assert steps.left_behind() == {}


def test_job_answered_twice_at_once_counts_once(nodes, steps):
    steps.deploy(process("order", start(), service("one"), service("two"), end()))
    key = steps.start("order")
    [job] = steps.take("one")
    raised = together(*(lambda node=node: node.execute(jobs.complete, job.key) for node in nodes * 3))
    assert [type(error) for error in raised] == [WrongState] * 5
    assert steps.at(key) == ["two"]


def test_children_that_end_while_their_callers_are_cancelled(nodes, steps):
    # given callers whose children are about to end
    steps.deploy(process("child", start(), service("inner"), end()))
    steps.deploy(process("parent", start(), call("sub", "child"), end()))
    parents = [steps.start("parent") for _ in range(6)]
    taken = steps.take("inner", max_jobs=6)

    # when one node cancels the callers, and the other one completes the children
    raised = together(
        *(lambda key=key: nodes[0].execute(instances.cancel, key, "stop") for key in parents),
        *(lambda job=job: nodes[1].execute(jobs.complete, job.key) for job in taken),
    )

    # then each family ended one way or the other, and the loser was told so
    assert all(isinstance(error, Rejection) for error in raised), raised
    assert instance_lists.search(nodes[0], InstanceFilter(states=["active"])).total == 0
    assert steps.left_behind() == {}


def test_start_key_starts_once_however_many_ask(nodes, steps):
    steps.deploy(process("order", start(), service("one"), end()))
    started = []
    raised = together(*(
        lambda node=node: started.append(node.execute(instances.start, "order", start_key="web-1"))
        for node in nodes * 3
    ))
    assert raised == []
    assert sum(each.created for each in started) == 1
    assert len({each.key for each in started}) == 1


def test_keys_of_two_nodes_never_meet_even_when_blocks_are_small(nodes, steps, monkeypatch):
    # given blocks so small that transactions use up several
    monkeypatch.setattr(keys, "BLOCK", 7)
    monkeypatch.setattr(keys, "RESERVE", 3)
    for node in nodes:
        node.keys._next = node.keys._end = 0
    steps.deploy(process("order", start(), *(service(f"s{n}", "do") for n in range(3)), end()))

    # when both nodes start instances, some of which fail halfway
    def fail(node) -> None:
        def command(tx) -> None:
            instances.start(tx, "order")
            [next(tx.engine.keys) for _ in range(20)]
            raise WrongState("Expected to go on, but no.")
        with pytest.raises(WrongState):
            node.execute(command)

    raised = together(*(
        lambda node=node: (node.execute(instances.start, "order"), fail(node), node.execute(instances.start, "order"))
        for node in nodes * 2
    ))

    # then all are there
    assert raised == []
    assert instance_lists.search(nodes[0], InstanceFilter()).total == 8

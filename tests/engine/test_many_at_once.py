"""Two nodes do the same thing at the same moment: each thing happens once, and whoever comes second is told."""

from __future__ import annotations

import itertools
import threading
from collections import Counter

import pytest

from engine import definitions, instances
from engine.engine import Engine
from engine.errors import Rejection
from engine.keys import BLOCK
from engine.work import activation, jobs
from tests.engine import drawing
from tests.engine.drawing import end, process, service, start
from tests.engine.test_races import together

LOOP = ('<bpmn:multiInstanceLoopCharacteristics><bpmn:extensionElements><zeebe:loopCharacteristics '
        'inputCollection="=items" inputElement="item" outputCollection="results" outputElement="=result"/>'
        "</bpmn:extensionElements></bpmn:multiInstanceLoopCharacteristics>")


@pytest.fixture
def nodes(engine, clock, database_url):
    """Two engines on one database, as two processes have them."""
    other = Engine(database_url, clock=clock)
    yield [engine, other]
    other.close()


def test_each_job_is_handed_to_one_of_the_workers_that_fetch_at_once(nodes, steps):
    # given
    steps.deploy(process("p", start(), service("work"), end()))
    for _ in range(24):
        steps.start("p")
    got = Counter()
    guard = threading.Lock()

    def fetch(node, worker):
        while taken := node.execute(activation.activate, ["work"], worker, 2):
            with guard:
                got.update(job.key for job in taken)
            for job in taken:
                node.execute(jobs.complete, job.key, lock_token=job.lock_token)

    # when
    raised = together(*(lambda n=n: fetch(nodes[n % 2], f"w{n}") for n in range(6)))

    # then. Nobody who found nothing left anything behind: whoever holds a job goes on until nothing is due.
    assert raised == []
    assert set(got.values()) == {1}
    assert len(got) == 24
    assert steps.left_behind() == {}


def test_an_answer_that_comes_while_the_instance_is_suspended_counts_once(nodes, steps):
    # given
    one, two = nodes
    steps.deploy(process("p", start(), service("work"), service("next"), end()))
    for _ in range(5):
        key = steps.start("p")
        [job] = steps.take("work")

        # when
        raised = together(
            lambda job=job: one.execute(jobs.complete, job.key, {"paid": 1}, lock_token=job.lock_token),
            lambda key=key: two.execute(instances.suspend, key, "a holiday"),
        )

        # then it moves on at once, or when it is resumed
        assert raised == []
        assert steps.detail(key).row.suspended_at is not None
        two.execute(instances.resume, key, "over")
        assert (steps.at(key), steps.history(key).count("next")) == (["next"], 1)
        steps.do("next")
        assert steps.state(key) == "COMPLETED"


def test_two_cancellations_and_an_answer_leave_one_end(nodes, steps):
    one, two = nodes
    steps.deploy(process("p", start(), service("work"), end()))
    for _ in range(5):
        key = steps.start("p")
        [job] = steps.take("work")
        raised = together(
            lambda key=key: one.execute(instances.cancel, key, "FIRST"),
            lambda key=key: two.execute(instances.cancel, key, "SECOND"),
            lambda job=job: two.execute(jobs.complete, job.key, lock_token=job.lock_token),
        )
        assert all(isinstance(error, Rejection) for error in raised), raised
        assert len(raised) == 2
        assert steps.state(key) in ("COMPLETED", "TERMINATED")
    assert steps.left_behind() == {}


def test_deployments_of_two_nodes_at_once_get_a_version_each_and_the_same_content_gets_one(nodes):
    # given
    def deploy(node, name):
        node.execute(definitions.deploy, [drawing.file(process("p", start(), service(name), end()), name="p.bpmn")])

    # when
    raised = together(*(lambda n=n: deploy(nodes[n % 2], f"s{n // 2}") for n in range(6)))

    # then. The same content may come again after another one: then it is a version again.
    assert raised == []
    with nodes[0].read() as connection:
        found = connection.exec_driver_sql(
            "SELECT version, checksum FROM definitions ORDER BY version").fetchall()
    versions, checksums = zip(*found, strict=True)
    assert versions == tuple(range(1, len(found) + 1))
    assert len(set(checksums)) == 3
    assert all(a != b for a, b in itertools.pairwise(checksums))


@pytest.mark.parametrize("members", [60, pytest.param(1000, marks=[pytest.mark.long, pytest.mark.timeout(3_600)])])
def test_members_of_a_multi_instance_that_finish_at_once_all_count(nodes, steps, members):
    # given
    each = service("each").replace("</bpmn:serviceTask>", f"{LOOP}</bpmn:serviceTask>")
    steps.deploy(process("p", start(), each, end()))
    key = steps.start("p", {"items": list(range(members))})
    taken = steps.take("each", max_jobs=members)
    assert len(taken) == members

    def answer(node, mine):
        for job in mine:
            node.execute(jobs.complete, job.key, {"result": job.variables["item"] * 2}, lock_token=job.lock_token)

    # when
    raised = together(*(lambda n=n: answer(nodes[n % 2], taken[n::8]) for n in range(8)))

    # then
    assert raised == []
    assert steps.state(key) == "COMPLETED"
    assert steps.variables(key)["results"] == [2 * number for number in range(members)]
    assert steps.left_behind() == {}


def test_keys_are_given_out_once_however_many_threads_ask(engine):
    # given more keys than a block has, and threads that take them at once
    each, threads = BLOCK // 2, 6
    barrier = threading.Barrier(threads)
    got: list[list[int]] = [[] for _ in range(threads)]

    def take(mine):
        barrier.wait()
        mine.extend(next(engine.keys) for _ in range(each))

    begun = [threading.Thread(target=take, args=(mine,)) for mine in got]
    for thread in begun:
        thread.start()
    for thread in begun:
        thread.join()

    # then none came twice
    assert len({key for mine in got for key in mine}) == threads * each

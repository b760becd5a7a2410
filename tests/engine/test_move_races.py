"""Operators move what workers complete at the same time, on two nodes: one of them comes first, and nothing is lost."""

from __future__ import annotations

from engine.errors import InvalidInput, Rejection, WrongState
from engine.operations import migration, modification, restarting
from engine.work import jobs
from tests.acceptance import invariants
from tests.engine.drawing import end, process, service, start
from tests.engine.test_migration import WHY, deploy
from tests.engine.test_modification import LINE, at
from tests.engine.test_races import nodes, together

__all__ = ["nodes"]
ROUNDS = 8
SHORT = process("p", start(), service("a"), service("b"), end())


def race(nodes, steps, operate):
    """Some instances: the job at `a` is completed on one node while the other one does something else to it. Their
    keys, each with the kinds of refusals."""
    keys = [steps.start("p", version=1) for _ in range(ROUNDS)]
    taken = {job.instance_key: job for job in steps.take("a", max_jobs=ROUNDS)}
    outcomes = []
    for number, key in enumerate(keys):
        worker, operator = nodes if number % 2 else nodes[::-1]
        job = taken[key]
        raised = together(
            lambda worker=worker, job=job: worker.execute(jobs.complete, job.key, {"x": 1}, lock_token=job.lock_token),
            lambda operator=operator, key=key: operate(operator, key))
        assert all(isinstance(error, Rejection) for error in raised), raised
        outcomes.append((key, [type(error) for error in raised]))
    with nodes[0].read() as connection:
        assert not invariants.violations(connection)
    return outcomes


def test_job_is_completed_or_its_token_moved(nodes, steps):
    steps.deploy(LINE)
    for key, raised in race(nodes, steps, lambda node, key: node.execute(
            modification.move, key, "a", "c", reason=WHY)):
        assert (at(steps, key), raised) in ((["b"], [InvalidInput]), (["c"], [WrongState]))


def test_job_is_completed_before_the_migration_or_after_it(nodes, steps):
    deploy(steps, SHORT)
    newer = deploy(steps, process("p", start(), service("a"), service("b"), service("c"), end()))
    for key, raised in race(nodes, steps, lambda node, key: node.execute(migration.migrate, key, newer, reason=WHY)):
        assert (at(steps, key), raised, steps.detail(key).row.version) == (["b"], [], 2)
        assert steps.variables(key) == {"x": 1}


def test_job_is_completed_or_its_instance_moved_back(nodes, steps):
    steps.deploy(SHORT)
    for key, raised in race(nodes, steps, lambda node, key: node.execute(restarting.restart, key, ["a"], reason=WHY)):
        assert at(steps, key) == ["a"]
        assert raised in ([], [WrongState])


def test_instance_is_migrated_once_however_many_ask(nodes, steps):
    deploy(steps, SHORT)
    key = steps.start("p")
    newer = deploy(steps, process("p", start(), service("a"), service("b"), service("c"), end()))
    raised = together(*(lambda node=node: node.execute(migration.migrate, key, newer, reason=WHY)
                        for node in nodes * 3))
    assert [type(error) for error in raised] == [InvalidInput] * 5
    assert sum(row.operation == "MIGRATE" for row in steps.detail(key).audit) == 1
    for type_ in ("a", "b", "c"):
        steps.do(type_)
    assert steps.state(key) == "COMPLETED"

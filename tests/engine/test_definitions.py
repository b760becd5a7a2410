"""Deployments: versioned, never changed, all files or none."""

from __future__ import annotations

import threading

import pytest

from bpmn.problems import Problem, Severity
from engine import definitions
from engine.definitions import Resource
from engine.engine import Engine
from engine.errors import DeploymentRefused, NotFound
from engine.queries import definitions as definition_lists
from tests.engine import drawing
from tests.engine.drawing import end, process, service, start, timer


def order(type: str = "reserve") -> str:
    return process("order", start(), service("task", type), end())


def test_same_content_is_the_same_version(steps):
    first, same, changed = steps.deploy(order()), steps.deploy(order()), steps.deploy(order("ship"))
    assert [d.definitions[0].version for d in (first, same, changed)] == [1, 1, 2]
    assert [d.definitions[0].created for d in (first, same, changed)] == [True, False, True]
    assert same.key == first.key
    assert same.definitions[0].key == first.definitions[0].key


def test_going_back_to_an_older_content_is_a_new_version(steps):
    versions = [steps.deploy(content).definitions[0].version for content in (order(), order("ship"), order())]
    assert versions == [1, 2, 3]


def test_all_problems_of_all_files_are_told_and_nothing_is_deployed(engine):
    good = drawing.file(order(), name="good.bpmn")
    bad = Resource(name="bad.bpmn", content=b"<not bpmn")
    worse = drawing.file(process("worse", start(), service("lonely", ""), end(), flows="start>end"), name="worse.bpmn")
    with pytest.raises(DeploymentRefused) as refused:
        engine.execute(definitions.deploy, [good, bad, worse])
    assert {problem.resource_name for problem in refused.value.problems} >= {"bad.bpmn", "worse.bpmn"}
    assert definition_lists.processes(engine) == ()


def test_process_may_be_in_one_file_only(engine):
    with pytest.raises(DeploymentRefused, match=r"'order' is in a\.bpmn as well"):
        engine.execute(definitions.deploy, [
            drawing.file(order(), name="a.bpmn"), drawing.file(order("ship"), name="b.bpmn")])


def test_further_checks_may_refuse_or_warn(engine, steps):
    # given a check of another package
    def check(model):
        for problem in model.processes:
            yield Problem(severity=severity, message="no such service", resource_name=model.resource_name,
                          element_id=problem.id)

    engine.checks.append(check)
    severity = Severity.WARNING
    assert [str(p.message) for p in steps.deploy(order()).problems if p.element_id == "order"] == ["no such service"]
    severity = Severity.ERROR
    with pytest.raises(DeploymentRefused, match="no such service"):
        steps.deploy(order("other"))


def test_further_errors_of_a_file_that_cannot_run_are_told_with_the_others(engine, steps):
    # given a check of another package, which refuses and warns
    def check(model):
        for severity in Severity:
            yield Problem(severity=severity, message=f"a further {severity}", resource_name=model.resource_name,
                          element_id="lonely")

    engine.checks.append(check)
    # when a file is deployed that cannot run by itself
    with pytest.raises(DeploymentRefused) as refused:
        steps.deploy(process("order", service("lonely", "x"), end()))
    # then its own error and the further one are told; a warning about half a diagram is not
    told = [problem.message for problem in refused.value.problems]
    assert "Expected the process to have a start event, but it has none." in told
    assert "a further error" in told
    assert "a further warning" not in told


def test_timer_start_event_that_cannot_be_read_is_refused(engine, steps):
    with pytest.raises(DeploymentRefused):
        steps.deploy(process("cron", start(event=timer("Cycle", "every now and then")), end()))


def test_deploying_at_once_gives_every_content_its_own_version(engine):
    # given two people who deploy different contents of a process at the same time
    results: list[int] = []

    def deploy(number: int) -> None:
        deployed = engine.execute(definitions.deploy, [drawing.file(order(f"type{number}"))])
        results.append(deployed.definitions[0].version)

    threads = [threading.Thread(target=deploy, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [1, 2, 3, 4, 5, 6]


def test_running_instances_stay_with_their_version(steps):
    steps.deploy(order("old"))
    key = steps.start("order")
    steps.deploy(order("new"))
    assert steps.take("new") == []
    steps.do("old")
    assert steps.detail(key).row.version == 1


def test_deployed_file_is_kept_as_it_was(engine, clock, database_url, steps):
    deployed = steps.deploy(order()).definitions[0]
    other = Engine(database_url, clock=clock)
    assert definition_lists.content(other, deployed.key) == drawing.file(order()).content
    assert definition_lists.process(other, deployed.key).id == "order"
    with pytest.raises(NotFound):
        definition_lists.content(other, 4711)
    other.close()


def test_check_says_what_deploy_would_say_and_changes_nothing(engine):
    problems = engine.execute(definitions.check, [Resource(name="bad.bpmn", content=b"<not bpmn")])
    assert problems
    assert not [p for p in engine.execute(definitions.check, [drawing.file(order())]) if p.severity == "error"]
    assert definition_lists.processes(engine) == ()


@pytest.mark.parametrize("strict", [False, True])
def test_a_strict_engine_refuses_a_file_with_warnings(engine, steps, strict):
    # given a check that has its doubts
    engine.strict = strict
    engine.checks.append(lambda model: [Problem(
        severity=Severity.WARNING, message="Expected better.", resource_name=model.resource_name)])

    # then it is deployed with them, or not at all
    if not strict:
        assert "Expected better." in [problem.message for problem in steps.deploy(order()).problems]
        return
    with pytest.raises(DeploymentRefused, match=r"without warnings \(strict\)"):
        steps.deploy(order())
    engine.strict = False
    assert steps.deploy(order()).definitions[0].version == 1

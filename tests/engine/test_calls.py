"""Call activities: an instance of its own, tied to its caller."""

from __future__ import annotations

import pytest

from engine import incidents, jobs
from engine.queries import instances, lists
from engine.queries.instances import InstanceFilter
from tests.engine.drawing import boundary, call, end, error, error_of, process, script, service, start, timer


@pytest.fixture
def called(steps):
    steps.deploy(error_of("bad", "BAD"), process("child", start(), service("inner"), end()))
    steps.deploy(error_of("bad", "BAD"), process(
        "parent", start(), call("sub", "child"), service("after"), end(), boundary("oops", "sub", error("bad")),
        service("mend"), end("e2"), flows="start>sub sub>after after>end oops>mend mend>e2",
    ))
    return steps


def test_called_process_runs_as_an_instance_of_its_own(engine, called):
    # given an instance that called another one
    key = called.start("parent", {"a": 1}, business_id="B-1", trace_parent="00-" + "1" * 32 + "-" + "2" * 16 + "-01")
    [child] = called.detail(key).called

    # then it knows its family and shares its identities
    parent = called.detail(key).row
    assert (child.parent_key, child.root_key, child.business_id) == (key, key, "B-1")
    assert (child.correlation_id, child.trace_parent) == (parent.correlation_id, parent.trace_parent)
    assert called.variables(child.key) == {"a": 1}

    # when it ends, its variables come back and the caller goes on
    called.do("inner", {"b": 2})
    assert called.state(child.key) == "COMPLETED"
    assert called.at(key) == ["after"]
    assert called.variables(key) == {"a": 1, "b": 2}


def test_called_process_that_never_waits_ends_in_the_same_transaction(steps):
    steps.deploy(process("child", start(), script("add", "=a + 1", "b"), end()))
    steps.deploy(process("parent", start(), call("sub", "child"), end()))
    key = steps.start("parent", {"a": 1})
    assert steps.state(key) == "COMPLETED"
    assert steps.variables(key) == {"a": 1, "b": 2}
    assert steps.left_behind() == {}


def test_error_of_the_called_process_is_caught_at_the_call_activity(engine, called):
    key = called.start("parent")
    [job] = called.take("inner")
    engine.execute(jobs.throw_error, job.key, "BAD", "broken", {"why": "x"})
    assert called.at(key) == ["mend"]
    [child] = called.detail(key).called
    assert (child.state, child.end_reason) == ("TERMINATED", "BAD")
    called.do("mend")
    assert called.left_behind() == {}


def test_error_that_the_caller_does_not_catch_either_is_an_incident_there(engine, called):
    key = called.start("parent")
    [job] = called.take("inner")
    engine.execute(jobs.throw_error, job.key, "OTHER")
    [incident] = lists.incidents(engine).items
    assert (incident.instance_key, incident.element_id, incident.type) == (key, "sub", "UNHANDLED_ERROR_EVENT")

    # when it is resolved, the process is called again
    engine.execute(incidents.resolve, incident.key)
    called.do("inner")
    assert called.at(key) == ["after"]


def test_missing_process_is_an_incident_until_it_is_deployed(steps):
    # given a call of a process that is not there
    steps.deploy(process("parent", start(), call("sub", "child"), end()))
    key = steps.start("parent")
    [incident] = steps.detail(key).incidents
    assert incident.type == "CALLED_ELEMENT_ERROR"
    assert "'child'" in incident.message

    # when it is deployed and the incident resolved
    steps.deploy(process("child", start(), end()))
    steps.resolve()
    assert steps.state(key) == "COMPLETED"
    assert steps.left_behind() == {}


def test_interrupted_call_cancels_what_it_called(engine, clock, steps):
    from engine import scheduler

    steps.deploy(process("grandchild", start(), service("deep"), end()))
    steps.deploy(process("child", start(), call("sub", "grandchild"), end()))
    steps.deploy(process(
        "parent", start(), call("sub", "child"), end(), boundary("late", "sub", timer("Duration", "PT1H")), end("e2"),
        flows="start>sub sub>end late>e2",
    ))
    key = steps.start("parent")
    clock.advance(hours=1)
    scheduler.run_once(engine)
    assert steps.state(key) == "COMPLETED"
    states = {row.process_id: row.state for row in instances.search(engine, InstanceFilter(root_key=key)).items}
    assert states == {"parent": "COMPLETED", "child": "TERMINATED", "grandchild": "TERMINATED"}
    assert steps.left_behind() == {}


def test_process_that_calls_itself_without_end_is_stopped_by_an_incident(monkeypatch, engine, steps):
    monkeypatch.setattr("engine.calls.MAX_DEPTH", 5)
    steps.deploy(process("self", start(), call("again", "self"), end()))
    steps.start("self")
    [incident] = lists.incidents(engine).items
    assert "call each other" in incident.message
    assert instances.search(engine, InstanceFilter()).total == 6

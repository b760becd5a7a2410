"""Modification: tokens are put at other elements and taken away, and everything they waited for goes with them."""

from __future__ import annotations

import pytest

from bpmn.interpreter import Put, Take
from engine import instances
from engine.errors import InvalidInput, NotFound, WrongState
from engine.operations import modification
from engine.queries import lists
from engine.work import jobs
from tests.engine.drawing import boundary, call, end, inside, process, service, start, timer, user

WHY = "The customer called."


def sub(id, *nodes, flows=None, more=""):
    return f'<bpmn:subProcess id="{id}">{more}{inside(*nodes, flows=flows)}</bpmn:subProcess>'


LINE = process("p", start(), service("a"), service("b"), boundary("late", "b", timer("Duration", "PT1H")),
               service("c"), end(), end("e2"), flows="start>a a>b b>c c>end late>e2")
NESTED = process("n", start(), sub("outer", start("s1"), sub("inner", start("s2"), service("deep"), end("x2")),
                                   service("next"), end("x1")), service("after"), end())


@pytest.fixture
def modify(engine, steps):
    def do(key, *, put=(), take=()):
        engine.execute(modification.modify, key, [each if isinstance(each, Put) else Put(element=each) for each in put],
                       [Take(element=each) if isinstance(each, str) else Take(key=each) for each in take], reason=WHY)
    return do


def at(steps, key):
    """The elements at which tokens are, each as often as it is there."""
    return sorted(row.element_id for row in steps.detail(key).elements if row.state == "ACTIVE")


def open_jobs(engine, key):
    return sorted(job.type for job in lists.jobs(engine, instance_key=key).items if job.ended_at is None)


def key_of(steps, instance, element):
    [row] = [row for row in steps.detail(instance).elements if row.element_id == element and row.state == "ACTIVE"]
    return row.key


def test_token_is_moved_with_all_that_it_waits_for(engine, steps, modify):
    steps.deploy(LINE)
    key = steps.start("p", {"x": 1})
    [job] = steps.take("a")
    modify(key, put=["b"], take=["a"])
    assert at(steps, key) == ["b"]
    # the worker of the task that is gone comes too late; the boundary event of the new one is armed
    with pytest.raises(WrongState):
        engine.execute(jobs.complete, job.key, {}, lock_token=job.lock_token)
    assert len(steps.detail(key).timers) == 1
    steps.do("b")
    steps.do("c")
    assert steps.state(key) == "COMPLETED"
    [entry] = [row for row in steps.detail(key).audit if row.operation == "MODIFY"]
    assert (entry.reason, entry.before, entry.after) == (WHY, {"elements": ["a"]}, {"elements": ["b"]})


def test_history_tells_what_was_taken_and_what_was_put(engine, steps, modify):
    steps.deploy(LINE)
    key = steps.start("p")
    modify(key, put=["c"], take=["a"])
    assert [(row.element_id, row.state) for row in steps.detail(key).elements] == [
        ("start", "COMPLETED"), ("a", "TERMINATED"), ("c", "ACTIVE")]


def test_second_token_runs_beside_the_first(engine, steps, modify):
    steps.deploy(LINE)
    key = steps.start("p")
    modify(key, put=["c"])
    assert at(steps, key) == ["a", "c"]
    steps.do("c")
    assert steps.state(key) == "ACTIVE"


@pytest.mark.parametrize(("put", "now"), [(Put(element="a", after=True), ["b"]), (Put(flow="b_c"), ["c"])])
def test_token_is_put_behind_an_element_or_on_a_flow(engine, steps, modify, put, now):
    steps.deploy(LINE)
    key = steps.start("p")
    modify(key, put=[put], take=["a"])
    assert at(steps, key) == now


def test_instance_without_a_token_is_over(engine, steps, modify):
    steps.deploy(LINE)
    key = steps.start("p")
    modify(key, take=["a"])
    assert steps.state(key) == "TERMINATED"
    assert open_jobs(engine, key) == []


def test_scopes_around_an_element_are_opened_and_those_left_empty_closed(engine, steps, modify):
    steps.deploy(NESTED)
    key = steps.start("n")
    modify(key, put=["after"], take=["deep"])
    assert at(steps, key) == ["after"]
    assert {row.element_id: row.state for row in steps.detail(key).elements}["outer"] == "TERMINATED"
    modify(key, put=["deep"], take=["after"])
    assert at(steps, key) == ["deep", "inner", "outer"]
    steps.do("deep")
    steps.do("next")
    steps.do("after")
    assert steps.state(key) == "COMPLETED"


def test_scope_that_is_open_is_used_again_and_keeps_its_key(engine, steps, modify):
    steps.deploy(NESTED)
    key = steps.start("n")
    outer = key_of(steps, key, "outer")
    modify(key, put=["next"], take=["deep"])
    assert at(steps, key) == ["next", "outer"]
    assert key_of(steps, key, "outer") == outer


def test_one_of_several_scopes_has_to_be_named(engine, steps, modify):
    steps.deploy(NESTED)
    key = steps.start("n")
    modify(key, put=[Put(element="deep", ancestor=key)])
    assert at(steps, key) == ["deep", "deep", "inner", "inner", "outer", "outer"]
    with pytest.raises(InvalidInput, match="2 are active"):
        modify(key, put=["next"])
    outers = [row.key for row in steps.detail(key).elements if row.element_id == "outer"]
    modify(key, put=[Put(element="next", ancestor=outers[1])])
    [put] = [row for row in steps.detail(key).elements if row.element_id == "next"]
    assert put.scope_key == outers[1]


def test_variables_are_set_where_they_are_wanted(engine, steps, modify):
    steps.deploy(NESTED)
    key = steps.start("n")
    modify(key, put=[Put(element="deep", ancestor=key, variables={
        "": {"g": 1}, "outer": {"o": 2}, "inner": {"i": 3}, "deep": {"d": 4}})])
    jobs_taken = steps.take("deep", max_jobs=2)
    seen = [job.variables for job in jobs_taken]
    assert {"g": 1} in seen
    assert {"g": 1, "o": 2, "i": 3, "d": 4} in seen
    assert steps.variables(key) == {"g": 1}


def test_called_instance_ends_with_its_call_activity(engine, steps, modify):
    steps.deploy(process("child", start(), service("inside"), end()))
    steps.deploy(process("caller", start(), call("sub", "child"), service("after"), end()))
    key = steps.start("caller")
    [child] = steps.detail(key).called
    modify(key, put=["after"], take=["sub"])
    assert steps.state(child.key) == "TERMINATED"
    assert at(steps, key) == ["after"]
    modify(key, put=["sub"], take=["after"])
    steps.do("inside")
    steps.do("after")
    assert steps.state(key) == "COMPLETED"


MANY = process("m", start(), service("each").replace("</bpmn:serviceTask>", (
    "<bpmn:multiInstanceLoopCharacteristics><bpmn:extensionElements>"
    '<zeebe:loopCharacteristics inputCollection="=[1, 2, 3]" inputElement="item"/></bpmn:extensionElements>'
    "</bpmn:multiInstanceLoopCharacteristics></bpmn:serviceTask>")), service("after"), end())


def test_one_of_many_is_taken_and_the_rest_goes_on(engine, steps, modify):
    steps.deploy(MANY)
    key = steps.start("m")
    rows = [row for row in steps.detail(key).elements if row.element_id == "each" and row.scope_key != key]
    modify(key, take=[rows[0].key])
    assert open_jobs(engine, key) == ["each", "each"]
    steps.do("each")
    steps.do("each")
    assert at(steps, key) == ["after"]


def test_taking_the_last_of_many_ends_their_body(engine, steps, modify):
    steps.deploy(MANY)
    key = steps.start("m")
    rows = [row for row in steps.detail(key).elements if row.element_id == "each" and row.scope_key != key]
    modify(key, put=["after"], take=[row.key for row in rows])
    assert at(steps, key) == ["after"]


def test_body_as_a_whole_is_taken_by_its_element(engine, steps, modify):
    steps.deploy(MANY)
    key = steps.start("m")
    modify(key, put=["after"], take=["each"])
    assert at(steps, key) == ["after"]
    assert open_jobs(engine, key) == ["after"]


def test_incident_goes_with_its_token(engine, steps, modify):
    steps.deploy(LINE)
    key = steps.start("p")
    [job] = steps.take("a")
    engine.execute(jobs.fail, job.key, "broken", retries=0, lock_token=job.lock_token)
    assert steps.detail(key).row.incident_count == 1
    modify(key, put=["b"], take=["a"])
    assert steps.detail(key).row.incident_count == 0


def test_suspended_instance_is_modified_and_goes_on_when_it_is_resumed(engine, steps, modify, clock):
    steps.deploy(LINE)
    key = steps.start("p")
    engine.execute(instances.suspend, key, WHY)
    modify(key, put=["b"], take=["a"])
    assert at(steps, key) == ["b"]
    assert steps.take("b") == []
    engine.execute(instances.resume, key, WHY)
    steps.do("b")
    steps.do("c")
    assert steps.state(key) == "COMPLETED"


@pytest.mark.parametrize(("put", "take", "sentence"), [
    (["nowhere"], [], "an element 'nowhere'"),
    ([], ["nowhere"], "an element 'nowhere'"),
    ([], ["c"], "Expected element 'c' to be active"),
    ([], [4711], "element instance 4711"),
    (["late"], [], "boundary event"),
    ([Put(flow="nowhere")], [], "a sequence flow 'nowhere'"),
    ([Put(element="end", after=True)], [], "one sequence flow out of"),
    ([Put(element="b", ancestor=4711)], [], "ancestor 4711"),
    ([], [], "1 to 1000 tokens"),
])
def test_what_is_not_possible_changes_nothing(engine, steps, modify, put, take, sentence):
    steps.deploy(LINE)
    key = steps.start("p")
    with pytest.raises(InvalidInput, match=sentence):
        modify(key, put=["c", *put] if put or take else (), take=take)
    assert at(steps, key) == ["a"]
    assert open_jobs(engine, key) == ["a"]
    steps.do("a")
    assert at(steps, key) == ["b"]


def test_instance_must_be_there_alive_and_the_reason_given(engine, steps, modify):
    steps.deploy(LINE)
    key = steps.start("p")
    with pytest.raises(InvalidInput, match="reason"):
        engine.execute(modification.modify, key, [Put(element="b")], reason=" ")
    engine.execute(instances.cancel, key, WHY)
    with pytest.raises(WrongState):
        modify(key, put=["b"])
    with pytest.raises(NotFound):
        modify(4711, put=["b"])


def test_every_token_of_an_element_is_moved(engine, steps):
    steps.deploy(process("two", start(), user("u"), service("b"), end()))
    key = steps.start("two")
    engine.execute(modification.modify, key, [Put(element="u")], reason=WHY)
    engine.execute(modification.move, key, "u", "b", reason=WHY)
    assert at(steps, key) == ["b", "b"]
    assert lists.user_tasks(engine, instance_key=key).total == 0

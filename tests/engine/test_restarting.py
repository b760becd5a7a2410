"""Restart: what has ended is started anew from an element, what runs is moved back, and what may repeat is told."""

from __future__ import annotations

import pytest

from bpmn.onward import onward
from engine import instances
from engine.errors import InvalidInput, NotFound, WrongState
from engine.operations import restarting
from engine.queries import lists
from engine.queries.repeats import repeated
from engine.work import jobs
from tests.engine.drawing import boundary, call, end, process, service, start, timer
from tests.engine.test_modification import MANY, NESTED, at
from tests.engine.test_modification_corners import FORK, HANDLED
from tests.engine.test_radius import read

WHY = "The shop sent the wrong parcel."
LINE = process("p", start(), service("a"), service("b"), service("c"), end())


@pytest.fixture
def restart(engine):
    def do(key, *elements, **more):
        made = engine.execute(restarting.restart, key, elements, reason=WHY, **more)
        engine.cache._kept.clear()
        return made
    return do


def test_ended_instance_starts_anew_with_its_variables_of_then(engine, steps, restart):
    steps.deploy(LINE)
    key = steps.start("p", {"x": 1}, business_id="A-1", tags=["vip"])
    steps.do("a", {"y": 2})
    engine.execute(instances.cancel, key, WHY)
    made = restart(key, "b", variables={"x": 5})
    assert made != key
    assert at(steps, made) == ["b"]
    row = steps.detail(made).row
    assert (row.business_id, steps.variables(made)) == ("A-1", {"x": 5, "y": 2})
    assert steps.state(key) == "TERMINATED"
    for one in (key, made):
        [entry] = [each for each in steps.detail(one).audit if each.operation == "RESTART"]
        assert (entry.reason, entry.details["elements"]) == (WHY, ["b"])
    steps.do("b")
    steps.do("c")
    assert steps.state(made) == "COMPLETED"
    assert at(steps, restart(made)) == ["a"]


def test_ended_instance_starts_anew_in_a_newer_version(engine, steps, restart):
    steps.deploy(LINE)
    key = steps.start("p")
    engine.execute(instances.cancel, key, WHY)
    newer = steps.deploy(LINE.replace('"c"', '"d"')).definitions[0].key
    assert at(steps, restart(key, "d", definition_key=newer)) == ["d"]
    with pytest.raises(InvalidInput, match="'d'"):
        restart(key, "d")


def test_running_instance_is_moved_back_with_all_its_tokens(steps, restart):
    steps.deploy(FORK)
    key = steps.start("f")
    steps.do("a")
    assert at(steps, key) == ["b", "join"]
    assert restart(key, "fork") == key
    assert at(steps, key) == ["a", "b"]
    for type in ("a", "b", "after"):
        steps.do(type)
    assert steps.state(key) == "COMPLETED"
    assert steps.left_behind() == {}


def test_scope_around_the_element_stays_and_others_go(steps, restart):
    steps.deploy(NESTED)
    key = steps.start("n")
    steps.do("deep")
    outer = [row.key for row in steps.detail(key).elements if row.element_id == "outer"]
    restart(key, "deep", variables={"x": 1})
    assert at(steps, key) == ["deep", "inner", "outer"]
    assert [row.key for row in steps.detail(key).elements if row.element_id == "outer"] == outer
    assert steps.variables(key) == {"x": 1}
    for type in ("deep", "next", "after"):
        steps.do(type)
    assert steps.state(key) == "COMPLETED"


@pytest.mark.parametrize("model", [MANY, HANDLED])
def test_what_is_repeated_or_compensates_is_given_up(steps, restart, model):
    steps.deploy(model)
    key = steps.start(model.split('"')[1])
    if model is HANDLED:
        steps.do("book")
        steps.do("next")
    restart(key, "start")
    assert at(steps, key) == (["book"] if model is HANDLED else ["each"] * 4)


def test_instance_with_an_incident_is_moved_back(engine, steps, restart):
    steps.deploy(LINE)
    key = steps.start("p")
    steps.do("a")
    [job] = steps.take("b")
    engine.execute(jobs.fail, job.key, "broken", retries=0, lock_token=job.lock_token)
    restart(key, "a")
    assert at(steps, key) == ["a"]
    assert lists.incidents(engine, instance_key=key).total == 0


def test_what_cannot_be_restarted_is_refused(engine, steps, restart):
    steps.deploy(process("child", start(), service("inside"), end()))
    definition = steps.deploy(process("caller", start(), call("sub", "child"), end())).definitions[0].key
    key = steps.start("caller")
    [child] = steps.detail(key).called
    for elements, more, sentence in (((), {}, "elements"), (("x",), {}, "'x'"), (("sub",), {"definition_key": 9}, "9")):
        with pytest.raises(InvalidInput, match=sentence):
            restart(key, *elements, **more)
    with pytest.raises(NotFound):
        restart(4711, "a")
    with pytest.raises(InvalidInput, match="reason"):
        engine.execute(restarting.restart, key, ["sub"], reason=" ")
    steps.do("inside")
    with pytest.raises(WrongState, match="nobody called"):
        restart(child.key, "inside")
    assert at(steps, restart(key, definition_key=definition)) == ["sub"]


def test_effects_that_may_repeat_are_those_ahead(engine, steps):
    steps.deploy(LINE)
    key = steps.start("p")
    steps.do("a")
    steps.do("b")
    steps.take("c")
    assert [each.element_id for each in repeated(engine, key, ["b"])] == ["b", "c"]
    assert [each.effect for each in repeated(engine, key, ["b"])] == ["CONFIRMED", "SENT"]
    assert [each.element_id for each in repeated(engine, key, ["c"])] == ["c"]
    with pytest.raises(InvalidInput, match="'x'"):
        repeated(engine, key, ["x"])
    with pytest.raises(NotFound):
        repeated(engine, 4711, ["a"])


def test_what_compensation_undid_does_not_repeat(engine, steps):
    steps.deploy(HANDLED)
    key = steps.start("h")
    steps.do("book")
    assert [each.element_id for each in repeated(engine, key, ["book"])] == ["book"]


def test_effects_of_called_instances_are_among_them(engine, steps):
    steps.deploy(process("grandchild", start(), service("deep"), end()))
    steps.deploy(process("child", start(), service("inside"), call("more", "grandchild"), end()))
    steps.deploy(process("p", start(), service("a"), call("sub", "child"), service("after"), end()))
    key = steps.start("p")
    for type in ("a", "inside", "deep", "after"):
        steps.do(type)
    assert [each.element_id for each in repeated(engine, key, ["sub"])] == ["inside", "deep", "after"]
    assert [each.element_id for each in repeated(engine, key, ["after"])] == ["after"]
    assert len(repeated(engine, key, ["start"])) == 4


def test_onward_goes_into_sub_processes_and_out_of_them():
    model = read(NESTED)
    assert onward(model, ["next"]) == {"next", "x1", "after", "end"}
    assert {"inner", "deep", "next", "after"} <= onward(model, ["outer"])
    assert "outer" not in onward(model, ["deep"])
    guarded = read(process("g", start(), service("a"), boundary("late", "a", timer("Duration", "PT1H")), service("b"),
                           service("c"), end(), flows="start>a a>b b>end late>c c>end"))
    assert onward(guarded, ["a"]) == {"a", "late", "b", "c", "end"}
    assert onward(guarded, ["b"]) == {"b", "end"}

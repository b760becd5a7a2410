"""Modification where it is hard: joins, ad-hoc sub-processes, event sub-processes, compensation, listeners."""

from __future__ import annotations

import re

import pytest

from bpmn.interpreter import Put, Take
from engine import instances
from engine.errors import InvalidInput
from engine.operations import modification
from engine.work import jobs
from tests.engine.drawing import end, message, message_of, process, service, start, user
from tests.engine.test_ad_hoc import led
from tests.engine.test_modification import LINE, MANY, NESTED, WHY, at, open_jobs, sub

FORK = process(
    "f", start(), '<bpmn:parallelGateway id="fork"/>', service("a"), service("b"), '<bpmn:parallelGateway id="join"/>',
    service("after"), end(), flows="start>fork fork>a fork>b a>join b>join join>after after>end")
YES = ('><bpmn:conditionExpression xsi:type="bpmn:tFormalExpression">=true</bpmn:conditionExpression>'
       "</bpmn:sequenceFlow>")
CHOICE = re.sub('(<bpmn:sequenceFlow id="fork_.")([^/]*)/>', rf"\1\2{YES}", FORK.replace(
    "parallelGateway", "inclusiveGateway"))
HANDLED = process(
    "h", start(), service("book"),
    '<bpmn:boundaryEvent id="undo" attachedToRef="book"><bpmn:compensateEventDefinition/></bpmn:boundaryEvent>',
    '<bpmn:subProcess id="unbook" isForCompensation="true">'
    f'<bpmn:startEvent id="s1"/>{service("call")}<bpmn:endEvent id="x1"/>'
    '<bpmn:sequenceFlow id="s1_call" sourceRef="s1" targetRef="call"/>'
    '<bpmn:sequenceFlow id="call_x1" sourceRef="call" targetRef="x1"/></bpmn:subProcess>',
    '<bpmn:association id="as" associationDirection="One" sourceRef="undo" targetRef="unbook"/>',
    service("next"), '<bpmn:intermediateThrowEvent id="throw"><bpmn:compensateEventDefinition/>'
    "</bpmn:intermediateThrowEvent>", service("last"), end(),
    flows="start>book book>next next>throw throw>last last>end")


@pytest.fixture
def modify(engine):
    def do(key, *, put=(), take=()):
        engine.execute(modification.modify, key, [each if isinstance(each, Put) else Put(element=each) for each in put],
                       [Take(element=each) if isinstance(each, str) else Take(key=each) for each in take], reason=WHY)
        engine.cache._kept.clear()      # every next step from what was saved
    return do


@pytest.mark.parametrize("model", [FORK, CHOICE])
def test_token_put_at_a_join_goes_through_it(steps, modify, model):
    steps.deploy(model)
    key = steps.start("f")
    modify(key, put=["join"], take=["a", "b"])
    assert at(steps, key) == ["after"]


def test_instance_started_at_a_join_goes_through_it(steps):
    steps.deploy(FORK)
    key = steps.start("f", elements=["join"])
    assert at(steps, key) == ["after"]


def test_inclusive_join_fires_when_the_token_that_it_waited_for_is_taken(steps, modify):
    steps.deploy(CHOICE)
    key = steps.start("f")
    steps.do("a")
    assert at(steps, key) == ["b", "join"]
    modify(key, take=["b"])
    assert at(steps, key) == ["after"]


def test_moving_an_activity_of_many_instances_moves_it_once(engine, steps):
    steps.deploy(MANY)
    key = steps.start("m")
    engine.execute(modification.move, key, "each", "after", reason=WHY)
    assert at(steps, key) == ["after"]
    assert open_jobs(engine, key) == ["after"]


def test_token_is_moved_within_each_scope_that_it_is_in(engine, steps, modify):
    steps.deploy(NESTED)
    key = steps.start("n")
    modify(key, put=[Put(element="next", ancestor=key), Put(element="next", ancestor=key)], take=["deep"])
    assert at(steps, key) == ["next", "next", "outer", "outer"]
    before = {row.key for row in steps.detail(key).elements if row.element_id == "outer" and row.state == "ACTIVE"}
    engine.execute(modification.move, key, "next", "x1", reason=WHY)
    assert at(steps, key) == ["after", "after"]
    assert {row.key for row in steps.detail(key).elements
            if row.element_id == "outer" and row.state == "COMPLETED"} == before


def ad_hoc(steps, *, agent):
    tools = led() if agent else led().replace('<zeebe:taskDefinition type="agent"/>', "").replace(
        "<zeebe:adHoc ", '<zeebe:adHoc activeElementsCollection="=[]" ')
    steps.deploy(process("p", start(), service("before"), tools, service("after"), end(),
                         flows="start>before before>tools tools>after after>end"))
    return steps.start("p", {"answer": 1})


def test_token_put_into_an_ad_hoc_sub_process_is_collected(steps, modify):
    key = ad_hoc(steps, agent=False)
    modify(key, put=["search"], take=["before"])
    steps.do("search")
    assert at(steps, key) == ["after"]
    assert steps.variables(key)["found"] == [1]


def test_worker_that_leads_is_asked_after_what_was_put_into_its_sub_process(steps, modify):
    key = ad_hoc(steps, agent=True)
    modify(key, put=["search"], take=["before"])
    steps.do("search")
    [job] = steps.take("agent")
    assert [one["elementId"] for one in job.variables["adHocSubProcessElements"]] == ["search", "mail"]


def test_inside_of_a_compensation_handler_is_no_place_for_a_token(steps, modify):
    steps.deploy(HANDLED)
    key = steps.start("h")
    with pytest.raises(InvalidInput, match="compensation handler"):
        modify(key, put=["call"])
    assert at(steps, key) == ["book"]


def test_token_is_put_into_a_compensation_handler_that_runs(steps, modify):
    steps.deploy(HANDLED)
    key = steps.start("h")
    steps.do("book")
    steps.do("next")
    assert at(steps, key) == ["call", "throw", "unbook"]
    [unbook] = [row.key for row in steps.detail(key).elements if row.element_id == "unbook"]
    modify(key, put=[Put(element="call", ancestor=unbook)])
    assert at(steps, key) == ["call", "call", "throw", "unbook"]
    steps.do("call")
    steps.do("call")
    assert at(steps, key) == ["last"]


def test_throw_event_is_taken_with_the_handlers_that_it_called(engine, steps, modify):
    steps.deploy(HANDLED)
    key = steps.start("h")
    steps.do("book")
    steps.do("next")
    modify(key, put=["last"], take=["throw"])
    assert at(steps, key) == ["last"]
    assert open_jobs(engine, key) == ["last"]
    steps.do("last")
    assert steps.state(key) == "COMPLETED"


EVENTFUL = (message_of("m", "Stop", "=id"), process(
    "e", start(), service("a"),
    f'<bpmn:subProcess id="esp" triggeredByEvent="true">{start("s1", message("m"))}{service("inner")}{end("x1")}'
    '<bpmn:sequenceFlow id="s1_i" sourceRef="s1" targetRef="inner"/>'
    '<bpmn:sequenceFlow id="i_x" sourceRef="inner" targetRef="x1"/></bpmn:subProcess>',
    end(), flows="start>a a>end"))


def test_event_sub_process_is_entered_and_taken(steps, modify):
    steps.deploy(*EVENTFUL)
    key = steps.start("e", {"id": "1"})
    modify(key, put=["inner"], take=["a"])
    assert at(steps, key) == ["esp", "inner"]
    modify(key, put=["a"], take=["esp"])
    assert at(steps, key) == ["a"]
    steps.do("a")
    assert steps.state(key) == "COMPLETED"
    assert steps.left_behind() == {}


@pytest.mark.parametrize(("given", "sentence"), [
    ({"nowhere": {"x": 1}}, "'nowhere'"), ({"b": {"x": 1}}, "'b'")])
def test_variables_for_what_is_not_opened_are_refused(steps, modify, given, sentence):
    steps.deploy(LINE)
    key = steps.start("p")
    with pytest.raises(InvalidInput, match=sentence):
        modify(key, put=[Put(element="c", variables=given)])
    assert at(steps, key) == ["a"]


def test_variables_are_set_in_a_scope_that_is_open_already(steps, modify):
    steps.deploy(NESTED)
    key = steps.start("n")
    modify(key, put=[Put(element="next", variables={"outer": {"o": 2}})], take=["deep"])
    [job] = steps.take("next")
    assert job.variables == {"o": 2}


OBSERVED = process("o", start(), service("a"), end()).replace(
    'isExecutable="true">', 'isExecutable="true"><bpmn:extensionElements><zeebe:executionListeners>'
    '<zeebe:executionListener eventType="end" type="farewell"/></zeebe:executionListeners></bpmn:extensionElements>')


def test_listener_at_the_end_of_the_process_is_called_at_the_end_also_when_the_end_is_put_off(steps, modify):
    steps.deploy(OBSERVED)
    key = steps.start("o")
    steps.do("a")
    modify(key, put=["a"])
    steps.do("farewell")
    assert steps.state(key) == "ACTIVE"
    steps.do("a")
    steps.do("farewell")
    assert steps.state(key) == "COMPLETED"


def test_instance_that_says_farewell_takes_no_more_tokens(engine, steps, modify):
    listening = user("u").replace(
        "<zeebe:userTask/>", '<zeebe:userTask/><zeebe:taskListeners><zeebe:taskListener eventType="canceling" '
        'type="bye"/></zeebe:taskListeners>')
    steps.deploy(process("p", start(), listening, service("b"), end()))
    key = steps.start("p")
    engine.execute(instances.cancel, key, WHY)
    assert steps.state(key) == "ACTIVE"
    with pytest.raises(InvalidInput, match="being cancelled"):
        modify(key, put=["b"])
    steps.do("bye")
    assert steps.state(key) == "TERMINATED"
    assert steps.left_behind() == {}


def test_repeated_activity_is_taken_with_its_round(engine, steps, modify):
    loop = service("each").replace("</bpmn:serviceTask>", (
        "<bpmn:multiInstanceLoopCharacteristics isSequential=\"true\"><bpmn:extensionElements>"
        '<zeebe:loopCharacteristics inputCollection="=[1, 2, 3]" inputElement="item"/></bpmn:extensionElements>'
        "</bpmn:multiInstanceLoopCharacteristics></bpmn:serviceTask>"))
    steps.deploy(process("m", start(), loop, service("after"), end()))
    key = steps.start("m")
    steps.do("each")
    [running] = [row.key for row in steps.detail(key).elements if row.state == "ACTIVE" and row.scope_key != key]
    modify(key, put=["after"], take=[running])
    assert at(steps, key) == ["after"]


def test_stale_answer_of_a_worker_is_refused_after_its_element_was_put_again(engine, steps, modify):
    steps.deploy(LINE)
    key = steps.start("p")
    [job] = steps.take("a")
    modify(key, put=["a"], take=["a"])
    with pytest.raises(Exception, match="Expected"):
        engine.execute(jobs.complete, job.key, {"x": 1}, lock_token=job.lock_token)
    assert at(steps, key) == ["a"]
    steps.do("a")
    assert steps.variables(key) == {}


def test_sub_process_with_all_that_is_in_it_is_taken(engine, steps, modify):
    steps.deploy(process("p", start(), sub("s", start("s1"), service("x"), end("x1")), service("after"), end()))
    key = steps.start("p")
    modify(key, put=["after"], take=["s", "x"])
    assert at(steps, key) == ["after"]
    assert open_jobs(engine, key) == ["after"]

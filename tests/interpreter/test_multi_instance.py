"""Multi-instance activities of every kind: nested, with conditions, with events at their edge and inside."""

from __future__ import annotations

import pytest

from bpmn.interpreter import journal
from tests.conformance.micro_host import Host

HEAD = """
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"
  xmlns:camunda="http://camunda.org/schema/1.0/bpmn" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
  xmlns:modeler="http://camunda.org/schema/modeler/1.0" modeler:executionPlatform="{platform}" id="d"
  targetNamespace="t"><message id="m" name="note"><extensionElements><zeebe:subscription correlationKey="=item"/>
  </extensionElements></message><error id="bad" errorCode="BAD"/>
  <process id="P" isExecutable="true"><startEvent id="S"/><sequenceFlow id="f1" sourceRef="S" targetRef="X"/>"""
TAIL = """<sequenceFlow id="f2" sourceRef="X" targetRef="E"/><endEvent id="E"/></process></definitions>"""


def drawn(inside: str, platform: str = "Camunda Cloud") -> str:
    return HEAD.replace("{platform}", platform) + inside + TAIL


def loop(collection: str, element: str, output: str = "", condition: str = "", sequential: bool = False) -> str:
    collected = f'outputCollection="results" outputElement="={output}"' if output else ""
    ended = f"<completionCondition>={condition}</completionCondition>" if condition else ""
    return (f'<multiInstanceLoopCharacteristics isSequential="{str(sequential).lower()}"><extensionElements>'
            f'<zeebe:loopCharacteristics inputCollection="={collection}" inputElement="{element}" {collected}/>'
            f"</extensionElements>{ended}</multiInstanceLoopCharacteristics>")


def job(id: str, inside: str = "") -> str:
    return (f'<serviceTask id="{id}"><extensionElements><zeebe:taskDefinition type="work"/></extensionElements>'
            f"{inside}</serviceTask>")


@pytest.fixture(params=[False, True], ids=["kept", "reloaded"])
def host(request):
    return Host(request.param)


def open_jobs(instance) -> list[int]:
    return [token for token, waits in instance.waits.items()
            if any(isinstance(wait.entry, journal.JobOpened) for wait in waits)]


def test_multi_instance_in_a_multi_instance_sub_process_gives_a_list_of_lists(host):
    # given
    inner = ('<startEvent id="IS"/><sequenceFlow id="i1" sourceRef="IS" targetRef="T"/>'
             + job("T", loop("row", "cell", "cell * 10")) + '<sequenceFlow id="i2" sourceRef="T" targetRef="IE"/>'
             '<endEvent id="IE"/>')
    local = ('<extensionElements><zeebe:ioMapping><zeebe:input source="=[]" target="results"/></zeebe:ioMapping>'
             "</extensionElements>")
    host.deploy(drawn(f'<subProcess id="X">{local}{loop("rows", "row", "results")}{inner}</subProcess>'))
    instance = host.start("P", rows=[[1, 2], [], [3]])

    # when
    while open_jobs(instance):
        host.complete(instance, open_jobs(instance)[0], {})

    # then
    assert host.state(instance) == "completed"
    assert instance.run.variables()["results"] == [[10, 20], [], [30]]


@pytest.mark.parametrize("sequential", [False, True])
def test_completion_condition_of_camunda_8_counts_and_ends_what_is_left(host, sequential):
    # given
    condition = "numberOfCompletedInstances &gt;= 2 and numberOfInstances = 4"
    host.deploy(drawn(job("X", loop("items", "item", "item", condition, sequential))))
    instance = host.start("P", items=["a", "b", "c", "d"])
    assert len(open_jobs(instance)) == (1 if sequential else 4)

    # when
    for _ in range(2):
        host.complete(instance, open_jobs(instance)[0], {})

    # then
    assert host.state(instance) == "completed"
    assert instance.run.variables()["results"] == ["a", "b", None, None]


def test_completion_condition_of_camunda_7_sees_its_numbers_and_the_local_variables(host):
    # given
    characteristics = ('<multiInstanceLoopCharacteristics camunda:collection="items" camunda:elementVariable="item">'
                       '<completionCondition xsi:type="tFormalExpression">'
                       "${nrOfCompletedInstances == 2 &amp;&amp; nrOfActiveInstances == 1 &amp;&amp; loopCounter == 1}"
                       "</completionCondition></multiInstanceLoopCharacteristics>")
    host.deploy(drawn(f'<serviceTask id="X" camunda:class="work">{characteristics}</serviceTask>', "Camunda Platform"))
    instance = host.start("P", items=[1, 2, 3])

    # when
    for _ in range(2):
        host.complete(instance, open_jobs(instance)[0], {})

    # then
    assert host.state(instance) == "completed"
    assert "nrOfInstances" not in instance.run.variables()


def test_each_instance_of_a_sub_process_has_events_of_its_own(host):
    # given a sub-process for each item with a non-interrupting message at the edge of its task
    inner = ('<startEvent id="IS"/><sequenceFlow id="i1" sourceRef="IS" targetRef="T"/>' + job("T")
             + '<sequenceFlow id="i2" sourceRef="T" targetRef="IE"/><endEvent id="IE"/>'
             '<boundaryEvent id="B" attachedToRef="T" cancelActivity="false"><messageEventDefinition messageRef="m"/>'
             '</boundaryEvent><sequenceFlow id="i3" sourceRef="B" targetRef="N"/>' + job("N")
             + '<sequenceFlow id="i4" sourceRef="N" targetRef="IE2"/><endEvent id="IE2"/>')
    host.deploy(drawn(f'<subProcess id="X">{loop("items", "item")}{inner}</subProcess>'))
    instance = host.start("P", items=["a", "b"])
    assert len(open_jobs(instance)) == 2

    # when the message comes for one of them, twice
    host.correlate("note", "b")
    host.correlate("note", "b")

    # then
    assert sorted(e for _, e in instance.run.open_tokens()) == ["N", "N", "T", "T", "X", "X", "X"]
    while open_jobs(instance):
        host.complete(instance, open_jobs(instance)[0], {})
    assert host.state(instance) == "completed"


def test_error_in_one_instance_ends_them_all_at_the_edge_of_the_activity(host):
    # given
    edge = ('<boundaryEvent id="B" attachedToRef="X"><errorEventDefinition errorRef="bad"/></boundaryEvent>'
            '<sequenceFlow id="b1" sourceRef="B" targetRef="R"/>' + job("R")
            + '<sequenceFlow id="b2" sourceRef="R" targetRef="E2"/><endEvent id="E2"/>')
    host.deploy(drawn(job("X", loop("items", "item")) + edge))
    instance = host.start("P", items=[1, 2, 3])

    # when
    instance.run.throw_error(open_jobs(instance)[1], "BAD")
    host.drain(instance)

    # then
    assert [e for _, e in instance.run.open_tokens()] == ["R"]
    assert len(open_jobs(instance)) == 1


@pytest.mark.parametrize("items", [None, 5, "abc"])
def test_collection_that_is_no_list_is_an_incident_that_can_be_mended(host, items):
    # given
    host.deploy(drawn(job("X", loop("items", "item"))))
    instance = host.start("P", items=items)
    assert "to be a list, but it is" in host.state(instance)

    # when
    [token] = instance.incidents
    host.set_vars(instance, items=[1])
    instance.run.retry(token)
    host.drain(instance)

    # then
    assert len(open_jobs(instance)) == 1


def test_empty_collection_passes_at_once(host):
    host.deploy(drawn(job("X", loop("items", "item", "item"))))
    instance = host.start("P", items=[])
    assert host.state(instance) == "completed"
    assert instance.run.variables()["results"] == []

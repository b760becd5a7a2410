"""A failure leaves the token where it is; a retry repeats just what failed."""

from __future__ import annotations

import pytest

from bpmn.interpreter import journal
from tests.conformance.micro_host import Host

HEAD = """
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"
  xmlns:modeler="http://camunda.org/schema/modeler/1.0" modeler:executionPlatform="Camunda Cloud" id="d"
  targetNamespace="t" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">"""


@pytest.fixture(params=[False, True], ids=["kept", "reloaded"])
def host(request):
    return Host(request.param)


def test_boundary_events_are_armed_once_when_one_of_them_failed_at_first(host):
    # given two boundary events, the second with a timer that cannot be evaluated yet
    host.deploy(HEAD + """
      <process id="P" isExecutable="true"><startEvent id="S"/><sequenceFlow id="f1" sourceRef="S" targetRef="U"/>
        <userTask id="U"><extensionElements><zeebe:userTask/></extensionElements></userTask>
        <sequenceFlow id="f2" sourceRef="U" targetRef="E"/><endEvent id="E"/>
        <boundaryEvent id="B1" attachedToRef="U" cancelActivity="false"><timerEventDefinition id="t1">
          <timeDuration xsi:type="tFormalExpression">PT10S</timeDuration></timerEventDefinition></boundaryEvent>
        <sequenceFlow id="f3" sourceRef="B1" targetRef="E1"/><endEvent id="E1"/>
        <boundaryEvent id="B2" attachedToRef="U" cancelActivity="false"><timerEventDefinition id="t2">
          <timeDuration xsi:type="tFormalExpression">=later</timeDuration></timerEventDefinition></boundaryEvent>
        <sequenceFlow id="f4" sourceRef="B2" targetRef="E2"/><endEvent id="E2"/>
      </process></definitions>""")
    instance = host.start("P")
    assert "the timer 'later' to give a text, but it gave None" in host.state(instance)
    assert not instance.waits

    # when it is retried with what was missing
    [token] = instance.incidents
    instance.run.set_variables(instance.run.key, {"later": "PT20S"})
    instance.run.retry(token)
    host.drain(instance)

    # then each is armed once, and the task is open
    open_waits = sorted(type(w.entry).__name__ + w.entry.element.id for ws in instance.waits.values() for w in ws)
    assert open_waits == ["TimerOpenedB1", "TimerOpenedB2", "UserTaskOpenedU"]
    assert not instance.incidents


def test_an_output_mapping_that_failed_is_repeated_and_not_the_work(host):
    host.deploy(HEAD + """
      <process id="P" isExecutable="true"><startEvent id="S"/><sequenceFlow id="f1" sourceRef="S" targetRef="T"/>
        <serviceTask id="T"><extensionElements><zeebe:taskDefinition type="work"/><zeebe:ioMapping>
          <zeebe:output source="=assert(answer + offset, answer + offset != null)" target="total"/>
          </zeebe:ioMapping></extensionElements></serviceTask>
        <sequenceFlow id="f2" sourceRef="T" targetRef="E"/><endEvent id="E"/>
      </process></definitions>""")
    instance = host.start("P")
    [token] = instance.waits
    host.complete(instance, token, {"answer": 40})
    assert instance.incidents
    instance.run.set_variables(instance.run.key, {"offset": 2})
    instance.run.retry(token)
    host.drain(instance)
    assert host.state(instance) == "completed"
    assert instance.run.variables()["total"] == 42


def test_other_branches_go_on_beside_an_incident(host):
    host.deploy(HEAD + """
      <process id="P" isExecutable="true"><startEvent id="S"/><sequenceFlow id="f1" sourceRef="S" targetRef="F"/>
        <parallelGateway id="F"/><sequenceFlow id="f2" sourceRef="F" targetRef="G"/>
        <sequenceFlow id="f3" sourceRef="F" targetRef="U"/>
        <exclusiveGateway id="G"/><sequenceFlow id="f4" sourceRef="G" targetRef="E1">
          <conditionExpression xsi:type="tFormalExpression">=x &gt; 1</conditionExpression></sequenceFlow>
        <sequenceFlow id="f5" sourceRef="G" targetRef="E1">
          <conditionExpression xsi:type="tFormalExpression">=x &gt; 2</conditionExpression></sequenceFlow>
        <endEvent id="E1"/><userTask id="U"/><sequenceFlow id="f6" sourceRef="U" targetRef="E2"/><endEvent id="E2"/>
      </process></definitions>""")
    instance = host.start("P", x=0)
    assert len(instance.incidents) == 1
    [token] = [t for t, ws in instance.waits.items() if isinstance(ws[0].entry, journal.UserTaskOpened)]
    host.complete(instance, token, {"x": 2})

    # then the incident is still there, and retrying it ends the instance
    [failed] = instance.incidents
    instance.run.retry(failed)
    host.drain(instance)
    assert host.state(instance) == "completed"


def test_a_condition_that_is_null_is_an_incident_and_never_chooses_the_default_flow(host):
    host.deploy(HEAD + """
      <process id="P" isExecutable="true"><startEvent id="S"/><sequenceFlow id="f1" sourceRef="S" targetRef="G"/>
        <exclusiveGateway id="G" default="f5"/><sequenceFlow id="f4" sourceRef="G" targetRef="E1">
          <conditionExpression xsi:type="tFormalExpression">=amuont &gt; 100</conditionExpression></sequenceFlow>
        <sequenceFlow id="f5" sourceRef="G" targetRef="E2"/>
        <endEvent id="E1"/><endEvent id="E2"/>
      </process></definitions>""")
    instance = host.start("P", amount=500)
    assert "to give true or false, but it gave null" in host.state(instance)
    assert "amuont" in host.state(instance)
    [token] = instance.incidents
    instance.run.set_variables(instance.run.key, {"amuont": 1})
    instance.run.retry(token)
    host.drain(instance)
    assert host.state(instance) == "completed"


def test_tokens_saved_on_the_move_go_on_in_their_order():
    # given three branches that have not begun when the instance is saved
    from bpmn import parser
    from bpmn.interpreter import Execution, compile_process

    branches = "".join(
        f'<sequenceFlow id="f{n}" sourceRef="F" targetRef="{n}"/><userTask id="{n}"/>' for n in "CAB")
    model = parser.parse((HEAD + f"""<process id="P" isExecutable="true"><startEvent id="S"/>
      <sequenceFlow id="f" sourceRef="S" targetRef="F"/><parallelGateway id="F"/>{branches}
      </process></definitions>""").encode(), "p.bpmn")
    program = compile_process(model.processes[0])
    run = Execution.start(program, key=1, keys=iter(range(2, 100)))
    run.advance(pause_after=2)
    run.workflow.ready.rotate(1)
    order = [token.id for token in run.workflow.ready]
    assert len(order) == 3

    # when it is saved and loaded
    again = Execution.load(program, run.dump(), [], key=1, keys=iter(range(100, 200)))

    # then they are still in that order
    assert [token.id for token in again.workflow.ready] == order


def test_the_message_of_an_incident_is_one_sentence(host):
    host.deploy(HEAD.replace("Camunda Cloud", "Camunda Platform") + """
      <process id="P" isExecutable="true"><startEvent id="S"/><sequenceFlow id="f1" sourceRef="S" targetRef="C"/>
        <intermediateCatchEvent id="C"><timerEventDefinition id="t1">
          <timeDuration xsi:type="tFormalExpression">${patience}</timeDuration></timerEventDefinition>
        </intermediateCatchEvent><sequenceFlow id="f2" sourceRef="C" targetRef="E"/><endEvent id="E"/>
      </process></definitions>""")
    state = host.state(host.start("P"))
    assert "but Expected" not in state
    assert "patience" in state

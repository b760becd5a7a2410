"""Which variables an activity of Camunda 7 sees and sets: local ones, those of the process, and mapped ones."""

from __future__ import annotations

import pytest

from tests.conformance.micro_host import Host

XML = """
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:camunda="http://camunda.org/schema/1.0/bpmn"
  xmlns:modeler="http://camunda.org/schema/modeler/1.0" modeler:executionPlatform="Camunda Platform" id="d"
  targetNamespace="t">
  <process id="P" isExecutable="true"><startEvent id="S"/><sequenceFlow id="f1" sourceRef="S" targetRef="T"/>
    <serviceTask id="T" camunda:type="external" camunda:topic="work"><extensionElements>
      <camunda:inputOutput>{mappings}</camunda:inputOutput></extensionElements></serviceTask>
    <sequenceFlow id="f2" sourceRef="T" targetRef="E"/><endEvent id="E"/></process></definitions>"""


@pytest.fixture(params=[False, True], ids=["kept", "reloaded"])
def host(request):
    return Host(request.param)


def parameter(direction: str, name: str, inside: str) -> str:
    return f'<camunda:{direction}Parameter name="{name}">{inside}</camunda:{direction}Parameter>'


def given(host, *mappings: str, **variables):
    host.deploy(XML.replace("{mappings}", "".join(mappings)))
    instance = host.start("P", **variables)
    [token] = instance.waits
    return instance, token


@pytest.mark.parametrize(("inside", "value"), [
    ("plain", "plain"),
    ("", None),
    ("${a + 1}", 3),
    ("<camunda:list><camunda:value>${a}</camunda:value><camunda:value>two</camunda:value></camunda:list>", [2, "two"]),
    ('<camunda:map><camunda:entry key="k${a}">${a}</camunda:entry><camunda:entry key="in">'
     "<camunda:list><camunda:value>x</camunda:value></camunda:list></camunda:entry></camunda:map>",
     {"k2": 2, "in": ["x"]}),
    ('<camunda:script scriptFormat="feel">if a > 1 then "many" else "one"</camunda:script>', "many"),
    ('<camunda:script scriptFormat="juel">${a * 10}</camunda:script>', 20),
])
def test_input_is_a_local_variable_of_any_kind_of_value(host, inside, value):
    instance, token = given(host, parameter("input", "x", inside), a=2)
    assert instance.run.variables(token) == {"a": 2, "x": value}
    host.complete(instance, token, {})
    assert instance.run.variables() == {"a": 2}


def test_input_hides_the_variable_of_the_process_and_takes_what_is_set(host):
    # given
    instance, token = given(host, parameter("input", "x", "${x + 1}"), x=1)
    assert instance.run.variables(token) == {"x": 2}

    # when
    host.complete(instance, token, {"x": 9, "new": 1})

    # then what is local was changed locally, and what was nowhere is created at the top
    assert instance.run.variables() == {"x": 1, "new": 1}


def test_output_brings_a_local_result_to_the_process(host):
    # given
    total = parameter("output", "total", "<camunda:map><camunda:entry key=\"sum\">${net + tax}</camunda:entry>"
                                         "</camunda:map>")
    instance, token = given(host, parameter("input", "tax", "${5}"), total)

    # when
    host.complete(instance, token, {"net": 10})

    # then
    assert instance.run.variables() == {"total": {"sum": 15}}


ERROR = """
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:camunda="http://camunda.org/schema/1.0/bpmn"
  xmlns:modeler="http://camunda.org/schema/modeler/1.0" modeler:executionPlatform="Camunda Platform" id="d"
  targetNamespace="t"><error id="bad" errorCode="BAD" camunda:errorMessage="${what} is missing"/>
  <process id="P" isExecutable="true"><startEvent id="S"/><sequenceFlow id="f1" sourceRef="S" targetRef="X"/>
    <subProcess id="X"><startEvent id="IS"/><sequenceFlow id="i1" sourceRef="IS" targetRef="IE"/>
      <endEvent id="IE"><errorEventDefinition errorRef="bad"/></endEvent></subProcess>
    <boundaryEvent id="B" attachedToRef="X"><errorEventDefinition errorRef="bad" camunda:errorCodeVariable="code"
      camunda:errorMessageVariable="said"/></boundaryEvent>
    <sequenceFlow id="f2" sourceRef="B" targetRef="E"/><sequenceFlow id="f3" sourceRef="X" targetRef="E"/>
    <endEvent id="E"/></process></definitions>"""


def test_who_catches_an_error_gets_its_code_and_message(host):
    host.deploy(ERROR)
    instance = host.start("P", what="The address")
    assert instance.run.variables() == {"what": "The address", "code": "BAD", "said": "The address is missing"}

"""An ad-hoc sub-process runs what is asked for and ends by its condition."""

from __future__ import annotations

import pytest

from tests.conformance.micro_host import Host, done


def xml(attributes="", condition="", active=""):
    extension = f'<extensionElements><zeebe:adHoc activeElementsCollection="{active}"/></extensionElements>' \
        if active else ""
    return f"""
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"
  xmlns:modeler="http://camunda.org/schema/modeler/1.0" modeler:executionPlatform="Camunda Cloud" id="d"
  targetNamespace="t">
  <process id="P" isExecutable="true">
    <startEvent id="S"/><sequenceFlow id="f1" sourceRef="S" targetRef="AH"/>
    <adHocSubProcess id="AH" {attributes}>{extension}
      <userTask id="A"/><userTask id="B"/><sequenceFlow id="fb" sourceRef="B" targetRef="C"/><userTask id="C"/>
      {condition}
    </adHocSubProcess>
    <sequenceFlow id="f2" sourceRef="AH" targetRef="Z"/><userTask id="Z"/>
    <sequenceFlow id="f3" sourceRef="Z" targetRef="E"/><endEvent id="E"/>
  </process>
</definitions>"""


CONDITION = "<completionCondition>=enough</completionCondition>"


def at(instance):
    return sorted(element for _, element in instance.run.open_tokens())


@pytest.fixture(params=[False, True], ids=["kept", "reloaded"])
def host(request):
    return Host(request.param)


def test_without_condition_everything_has_to_be_done(host):
    host.deploy(xml())
    instance = host.start("P")
    assert at(instance) == ["A", "AH", "B"]
    done(host, instance, "B")
    done(host, instance, "A")
    assert at(instance) == ["AH", "C"]
    done(host, instance, "C")
    assert at(instance) == ["Z"]


def test_a_condition_that_is_met_cancels_what_is_left(host):
    host.deploy(xml(condition=CONDITION))
    instance = host.start("P", enough=False)
    done(host, instance, "B", enough=True)
    assert at(instance) == ["Z"]


def test_without_cancelling_what_is_under_way_is_waited_for_but_nothing_new_starts(host):
    host.deploy(xml('cancelRemainingInstances="false"', CONDITION))
    instance = host.start("P", enough=False)
    done(host, instance, "B", enough=True)
    assert at(instance) == ["A", "AH"]
    done(host, instance, "A")
    assert at(instance) == ["Z"]


def test_only_the_elements_asked_for_begin(host):
    host.deploy(xml(active="=[&quot;B&quot;]"))
    instance = host.start("P")
    assert at(instance) == ["AH", "B"]


def test_asking_for_an_element_that_is_not_there_is_an_incident(host):
    host.deploy(xml(active="=[&quot;X&quot;]"))
    instance = host.start("P")
    assert "to be a list of some of A, B, but it is ['X']" in host.state(instance)


AD_HOC = """
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"
  xmlns:modeler="http://camunda.org/schema/modeler/1.0" modeler:executionPlatform="Camunda Cloud" id="d"
  targetNamespace="t">
  <process id="P" isExecutable="true">
    <startEvent id="S"/><sequenceFlow id="f1" sourceRef="S" targetRef="AH"/>
    <adHocSubProcess id="AH"><extensionElements>{extension}</extensionElements>{inside}</adHocSubProcess>
    <sequenceFlow id="f2" sourceRef="AH" targetRef="Z"/><userTask id="Z"/>
    <sequenceFlow id="f3" sourceRef="Z" targetRef="E"/><endEvent id="E"/>
  </process>
</definitions>"""
COLLECTING = '<zeebe:adHoc outputCollection="found" outputElement="=answer"/>'


def script(id, expression, variable):
    return (f'<scriptTask id="{id}"><extensionElements><zeebe:script expression="={expression}" '
            f'resultVariable="{variable}"/></extensionElements></scriptTask>')


def test_what_each_flow_inside_ends_with_is_collected(host):
    # given a user task, and a script that a second user task follows
    inside = ('<userTask id="A"/>' + script("B", "0", "ignored") + '<sequenceFlow id="bc" sourceRef="B" targetRef="C"/>'
              '<userTask id="C"/>')
    host.deploy(AD_HOC.format(extension=COLLECTING, inside=inside))
    instance = host.start("P", answer=None)

    # when
    done(host, instance, "C", answer="second")
    done(host, instance, "A", answer="first")

    # then
    assert at(instance) == ["Z"]
    assert instance.run.variables()["found"] == ["second", "first"]


def test_output_that_cannot_be_evaluated_is_an_incident_and_is_repeated(host):
    # given
    host.deploy(AD_HOC.format(extension=COLLECTING.replace("=answer", "=assert(answer.text, answer.text != null)"),
                              inside='<userTask id="A"/>'))
    instance = host.start("P", answer=7)

    # when
    done(host, instance, "A", answer=7)

    # then
    assert "Expected the output element" in host.state(instance)
    [token] = instance.incidents
    host.set_vars(instance, answer={"text": "well"})
    instance.run.retry(token)
    host.drain(instance)
    assert instance.run.variables()["found"] == ["well"]


def test_the_condition_is_looked_at_after_elements_that_never_wait(host):
    # given two scripts in a row, the first of which makes the condition true
    inside = (script("A", "true", "enough") + '<sequenceFlow id="ab" sourceRef="A" targetRef="B"/>'
              + script("B", "1", "after") + CONDITION)
    host.deploy(AD_HOC.format(extension="", inside=inside))

    # when
    instance = host.start("P", enough=False)

    # then
    assert at(instance) == ["Z"]
    assert instance.run.variables() == {"enough": True}

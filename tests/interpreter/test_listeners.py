"""Execution listeners are jobs before and after what an element does itself."""

from __future__ import annotations

import pytest

from bpmn.interpreter import journal
from tests.conformance.micro_host import Host

XML = """
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"
  xmlns:modeler="http://camunda.org/schema/modeler/1.0" modeler:executionPlatform="Camunda Cloud" id="d"
  targetNamespace="t">
  <process id="P" isExecutable="true">
    <startEvent id="S"/><sequenceFlow id="f1" sourceRef="S" targetRef="T"/>
    <serviceTask id="T"><extensionElements>
      <zeebe:taskDefinition type="work"/>
      <zeebe:ioMapping><zeebe:input source="=1" target="given"/><zeebe:output source="=mark" target="kept"/>
      </zeebe:ioMapping>
      <zeebe:executionListeners>
        <zeebe:executionListener eventType="start" type="first" retries="5"/>
        <zeebe:executionListener eventType="start" type="second"/>
        <zeebe:executionListener eventType="end" type="last"/>
      </zeebe:executionListeners></extensionElements></serviceTask>
    <sequenceFlow id="f2" sourceRef="T" targetRef="E"/><endEvent id="E"/>
  </process>
</definitions>"""


def open_jobs(instance):
    return [(w.entry.type, w.entry.kind, w.entry.listener_event, w.entry.retries)
            for waits in instance.waits.values() for w in waits if isinstance(w.entry, journal.JobOpened)]


def answer(host, instance, **variables):
    [(token, _)] = instance.waits.items()
    host.complete(instance, token, variables)


@pytest.mark.parametrize("reload", [False, True], ids=["kept", "reloaded"])
def test_listeners_run_in_order_around_the_work_of_the_element(reload):
    host = Host(reload)
    host.deploy(XML)
    instance = host.start("P")
    assert open_jobs(instance) == [("first", "EXECUTION_LISTENER", "START", 5)]
    answer(host, instance)
    assert open_jobs(instance) == [("second", "EXECUTION_LISTENER", "START", 3)]
    answer(host, instance, seen=1)
    assert open_jobs(instance) == [("work", "BPMN_ELEMENT", None, 3)]
    answer(host, instance, mark="work")
    assert open_jobs(instance) == [("last", "EXECUTION_LISTENER", "END", 3)]
    answer(host, instance, mark="listener")

    # then what a listener returned is local, and the output mapping saw it
    assert host.state(instance) == "completed"
    assert instance.run.variables() == {"kept": "listener"}


@pytest.mark.parametrize("reload", [False, True], ids=["kept", "reloaded"])
def test_retrying_a_listener_that_failed_repeats_it_and_not_the_work(reload):
    host = Host(reload)
    host.deploy(XML)
    instance = host.start("P")
    answer(host, instance)
    answer(host, instance)
    answer(host, instance, mark=1)
    [token] = instance.waits
    instance.run.fail(token, "JOB_NO_RETRIES", "it broke")
    host.drain(instance)
    assert host.state(instance) == "incident: it broke"
    instance.run.retry(token)
    host.drain(instance)
    assert open_jobs(instance) == [("last", "EXECUTION_LISTENER", "END", 3)]


EVENTS = """
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:camunda="http://camunda.org/schema/1.0/bpmn"
  xmlns:modeler="http://camunda.org/schema/modeler/1.0" modeler:executionPlatform="Camunda Platform" id="d"
  targetNamespace="t"><message id="m" name="note"/><signal id="g" name="all"/>
  <process id="P" isExecutable="true">
    <startEvent id="S"/><sequenceFlow id="f1" sourceRef="S" targetRef="G"/><eventBasedGateway id="G"/>
    <sequenceFlow id="f2" sourceRef="G" targetRef="C"/><sequenceFlow id="f3" sourceRef="G" targetRef="D"/>
    <intermediateCatchEvent id="D"><signalEventDefinition signalRef="g"/></intermediateCatchEvent>
    <sequenceFlow id="f4" sourceRef="D" targetRef="E"/>
    <intermediateCatchEvent id="C"><extensionElements><camunda:executionListener event="start" class="at-catch"/>
      <camunda:executionListener event="end" class="after-catch"/></extensionElements>
      <messageEventDefinition messageRef="m"/></intermediateCatchEvent>
    <sequenceFlow id="f5" sourceRef="C" targetRef="T"/><userTask id="T"/>
    <boundaryEvent id="B" attachedToRef="T"><extensionElements>
      <camunda:executionListener event="start" class="at-boundary"/></extensionElements>
      <messageEventDefinition messageRef="m"/></boundaryEvent>
    <sequenceFlow id="f6" sourceRef="B" targetRef="E"/>
    <sequenceFlow id="f7" sourceRef="T" targetRef="E"/><endEvent id="E"/>
  </process>
</definitions>"""


@pytest.mark.parametrize("reload", [False, True], ids=["kept", "reloaded"])
def test_listeners_of_events_that_have_happened_are_called_before_the_flow_goes_on(reload):
    # given
    host = Host(reload)
    host.deploy(EVENTS)
    instance = host.start("P")

    # when
    heard = []
    for _ in range(2):
        host.correlate("note", kind="message")
        while jobs := open_jobs(instance):
            heard.append(jobs[0][0])
            [token] = [t for t, waits in instance.waits.items() if isinstance(waits[0].entry, journal.JobOpened)]
            host.complete(instance, token, {})

    # then
    assert heard == ["at-catch", "after-catch", "at-boundary"]
    assert host.state(instance) == "completed"

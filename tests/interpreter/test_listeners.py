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

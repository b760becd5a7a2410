"""Drives pycamunda through the calls that manage processes: `python c7_pycamunda.py <address> <fixtures>`."""

from __future__ import annotations

import datetime
import pathlib
import sys

import pycamunda
import pycamunda.deployment
import pycamunda.externaltask
import pycamunda.incident
import pycamunda.message
import pycamunda.processdef
import pycamunda.processinst
import pycamunda.signal
import pycamunda.task
import pycamunda.variable
import pycamunda.version
from report import Report, until

URL, FIXTURES = sys.argv[1], pathlib.Path(sys.argv[2])
WORKER = "driver-pycamunda"
report = Report()


def start(key, **variables):
    request = pycamunda.processdef.StartInstance(url=URL, key=key, business_key="A-1", with_variables_in_return=True)
    for name, value in variables.items():
        request.add_variable(name, value)
    return request()


def fetch(topic, patience=2_000):
    request = pycamunda.externaltask.FetchAndLock(url=URL, worker_id=WORKER, max_tasks=1, use_priority=True,
                                                  async_response_timeout=patience)
    request.add_topic(name=topic, lock_duration=20_000)
    return request()


def is_gone(id):
    try:
        pycamunda.processinst.Get(url=URL, id_=id)()
    except pycamunda.NotFound:
        return True
    return False


with report.step("version"):
    assert pycamunda.version.Get(url=URL)().startswith("7.")
with report.step("deploy two files"):
    request = pycamunda.deployment.Create(url=URL, name="driver", source="pycamunda", deploy_changed_only=True)
    for name in ("c7-order.bpmn", "c7-events.bpmn"):
        request.add_resource((FIXTURES / name).open("rb"))
    made = request()
    deployed = {each.key: each for each in made.deployed_process_definitions.values()}
    assert deployed.keys() == {"driver_c7_order", "driver_c7_events"}
    assert abs(made.deployment_time - datetime.datetime.now(datetime.UTC)) < datetime.timedelta(minutes=5)
    assert made.id_ in {each.id_ for each in pycamunda.deployment.GetList(url=URL)()}
with report.step("process definitions"):
    assert pycamunda.processdef.Get(url=URL, key="driver_c7_order")().id_ == deployed["driver_c7_order"].id_
    assert len(pycamunda.processdef.GetList(url=URL, latest_version=True, sort_by="key")()) == 2
    assert pycamunda.processdef.Count(url=URL, key="driver_c7_order")() == 1
    assert "driver_c7_order" in pycamunda.processdef.GetXML(url=URL, key="driver_c7_order")()
with report.step("start an instance"):
    order = start("driver_c7_order", orderId="ord-1", cart={"items": [1, 2]})
    assert (order.business_key, order.suspended) == ("A-1", False)
    assert order.variables["orderId"].value == "ord-1"
with report.step("process instances"):
    for limit in ({"process_instance_ids": [order.id_]}, {"process_definition_key": "driver_c7_order"},
                  {"business_key": "A-1", "sort_by": "instance_id", "ascending": False}):
        assert [each.id_ for each in pycamunda.processinst.GetList(url=URL, **limit)()] == [order.id_]
    pycamunda.processinst.Suspend(url=URL, id_=order.id_)()
    assert pycamunda.processinst.Get(url=URL, id_=order.id_)().suspended
    pycamunda.processinst.Activate(url=URL, id_=order.id_)()
with report.step("variables"):
    found = pycamunda.processinst.VariablesGetList(url=URL, process_instance_id=order.id_)()
    assert (found["cart"].type_, found["cart"].value) == ("Json", '{"items":[1,2]}')
    request = pycamunda.processinst.VariablesModify(url=URL, process_instance_id=order.id_, deletions=[])
    request.add_variable("note", "x", "String")
    request()
    pycamunda.processinst.VariablesUpdate(url=URL, process_instance_id=order.id_, var_name="note", value="y",
                                          type_="String")()
    assert pycamunda.processinst.VariablesGet(url=URL, process_instance_id=order.id_, var_name="note")().value == "y"
    assert len(pycamunda.variable.GetList(url=URL, process_instance_id_in=[order.id_])()) == 3
with report.step("activity instances"):
    [active] = pycamunda.processinst.GetActivityInstance(url=URL, id_=order.id_)().child_activity_instances
    assert active.activity_type == "serviceTask"
with report.step("fetch, extend, unlock, lock again and complete an external task"):
    [task] = fetch("driver-charge-card")
    assert (task.process_instance_id, task.retries, task.worker_id) == (order.id_, None, WORKER)
    assert task.variables["orderId"].value == "ord-1"
    pycamunda.externaltask.ExtendLock(url=URL, id_=task.id_, new_duration=30_000, worker_id=WORKER)()
    assert len(pycamunda.externaltask.GetList(url=URL, worker_id=WORKER, locked=True)()) == 1
    pycamunda.externaltask.Unlock(url=URL, id_=task.id_)()
    assert pycamunda.externaltask.Count(url=URL, not_locked=True)() == 1
    [task] = fetch("driver-charge-card")
    request = pycamunda.externaltask.Complete(url=URL, id_=task.id_, worker_id=WORKER)
    request.add_variable("charged", True, "Boolean")
    request.add_local_variable("attempt", 1)
    request()
with report.step("user task"):
    [task] = pycamunda.task.GetList(url=URL, process_instance_id=order.id_, unassigned=False)()
    assert pycamunda.task.Get(url=URL, id_=task.id_)().name == task.name
    pycamunda.task.SetAssignee(url=URL, id_=task.id_, user_id="mary")()
    pycamunda.task.Unclaim(url=URL, id_=task.id_)()
    pycamunda.task.Claim(url=URL, id_=task.id_, user_id="john")()
    assert len(pycamunda.task.GetList(url=URL, assignee="john")()) == 1
    request = pycamunda.task.Complete(url=URL, id_=task.id_, with_variables_in_return=True)
    request.add_variable("approved", True)
    assert request()["approved"].value is True
with report.step("an ended instance is gone"):
    until(lambda: is_gone(order.id_), "the end of the instance")
with report.step("failure, incident, retries and BPMN error"):
    events = start("driver_c7_events")
    [task] = fetch("driver-flaky-work")
    pycamunda.externaltask.HandleFailure(url=URL, id_=task.id_, worker_id=WORKER, error_message="broken",
                                         error_details="a stack", retries=0, retry_timeout=0)()
    [incident] = pycamunda.incident.GetList(url=URL, process_instance_id=events.id_)()
    assert (incident.configuration, incident.incident_message) == (task.id_, "broken")
    tree = pycamunda.processinst.GetActivityInstance(url=URL, id_=events.id_)()
    assert [each.incident_ids for each in tree.child_activity_instances] == [(incident.id_,)]
    pycamunda.externaltask.SetRetries(url=URL, id_=task.id_, retries=2)()
    [task] = fetch("driver-flaky-work")
    assert task.retries == 2
    pycamunda.externaltask.HandleFailure(url=URL, id_=task.id_, worker_id=WORKER, error_message="broken",
                                         error_details="a stack", retries=0, retry_timeout=0)()
    [incident] = pycamunda.incident.GetList(url=URL, process_instance_id=events.id_)()
    pycamunda.incident.Resolve(url=URL, id_=incident.id_)()
    [task] = fetch("driver-flaky-work")
    pycamunda.externaltask.HandleBPMNError(url=URL, id_=task.id_, worker_id=WORKER, error_code="CARD_DECLINED",
                                           error_message="no funds")()
with report.step("message"):
    request = pycamunda.message.CorrelateSingle(url=URL, message_name="driver-payment", business_key="A-1",
                                                result_enabled=True)
    request.add_process_variable("paid", True)
    [reached] = request()
    assert reached.execution.process_instance_id == events.id_
    try:
        request()
    except pycamunda.BadRequest:
        pass
    else:
        raise AssertionError("Expected a message for nobody to be refused, but it was not.")
with report.step("signal"):
    pycamunda.signal.EventAll(url=URL, name="driver-go")()
    until(lambda: is_gone(events.id_), "the end of the instance")
with report.step("cancel an instance"):
    order = start("driver_c7_order")
    pycamunda.processinst.Delete(url=URL, id_=order.id_)()
    assert is_gone(order.id_)
report.end()

"""Drives camunda-external-task-client-python3: `python c7_external_task.py <address> <fixtures>`."""

from __future__ import annotations

import pathlib
import sys

import requests
from camunda.client.engine_client import EngineClient
from camunda.external_task.external_task_worker import ExternalTaskWorker
from report import Report, until

URL, FIXTURES = sys.argv[1], pathlib.Path(sys.argv[2])
report = Report()
client = EngineClient(URL)
worker = ExternalTaskWorker("driver-python", URL, {
    "maxTasks": 1, "lockDuration": 20_000, "asyncResponseTimeout": 3_000, "retries": 3, "retryTimeout": 0,
    "sleepSeconds": 0,
})


def is_gone(id):
    return all(each["id"] != id for each in client.get_process_instance())


def work(topic, action, **limits):
    seen = []
    worker.fetch_and_execute(topic, lambda task: seen.append(task) or action(task), **limits)
    [task] = seen
    return task


with report.step("deploy"):
    for name in ("c7-order.bpmn", "c7-events.bpmn"):
        requests.post(f"{URL}/deployment/create", data={"deployment-name": name},
                      files={name: (FIXTURES / name).open("rb")}, timeout=10).raise_for_status()
with report.step("start an instance"):
    order = client.start_process("driver_c7_order", {"orderId": "ord-1", "amount": 5}, business_key="A-2")["id"]
    other = client.start_process("driver_c7_order", {"orderId": "ord-2"})["id"]
with report.step("find instances"):
    assert len(client.get_process_instance("driver_c7_order")) == 2
    assert [each["id"] for each in client.get_process_instance("driver_c7_order", ["orderId_eq_ord-1"])] == [order]
    assert client.get_process_instance("driver_c7_order", tenant_ids=["other"]) == []
    assert client.get_process_instance_variable(order, "orderId", with_meta=True)["type"] == "String"
with report.step("a worker completes a task that its process variables choose"):
    task = work("driver-charge-card", lambda task: task.complete({"charged": True}, {"attempt": 1}),
                process_variables={"orderId": "ord-1"}, variables=["orderId"])
    assert (task.get_process_instance_id(), task.get_variables(), task.get_business_key()) \
        == (order, {"orderId": "ord-1"}, "A-2")
    assert task.get_extension_properties() == {"currency": "EUR"}
with report.step("failure counts down from the worker's own retries"):
    events = client.start_process("driver_c7_events", {}, business_key="A-3")["id"]
    left = []
    for _ in range(2):
        task = work("driver-flaky-work", lambda task: task.failure("broken", "a stack", 2, 0))
        left.append(task.get_task_result().retries)
    assert left == [2, 1]
with report.step("BPMN error"):
    work("driver-flaky-work", lambda task: task.bpmn_error("CARD_DECLINED", "no funds", {"left": 0}))
with report.step("message"):
    [reached] = client.correlate_message("driver-payment", business_key="A-3", process_variables={"paid": True})
    assert reached["resultType"] == "Execution"
with report.step("jobs"):
    assert client.get_jobs(0, 10, with_failure=True) == []
with report.step("signal"):
    requests.post(f"{URL}/signal", json={"name": "driver-go"}, timeout=10).raise_for_status()
    until(lambda: is_gone(events), "the end of the instance")
report.end()

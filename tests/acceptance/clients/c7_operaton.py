"""Drives operaton-tasks and operaton-external-task-client-python3: `python c7_operaton.py <address> <fixtures>`.

The settings of operaton-tasks come from the environment, as its users give them; the other client takes a password
from there as well.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import pathlib
import sys

URL, FIXTURES = sys.argv[1], pathlib.Path(sys.argv[2])
os.environ["ENGINE_REST_BASE_URL"] = URL
os.environ.setdefault("LOG_LEVEL", "ERROR")

from aiohttp import FormData  # noqa: E402
from operaton.client.engine_client import EngineClient  # noqa: E402
from operaton.external_task.external_task_worker import ExternalTaskWorker  # noqa: E402
from operaton.tasks import operaton_session, settings, task  # noqa: E402
from operaton.tasks.config import handlers  # noqa: E402
from operaton.tasks.runtime import ExternalTaskComplete  # noqa: E402
from operaton.tasks.types import (  # noqa: E402
    CompleteExternalTaskDto,
    ExternalTaskBpmnError,
    LockedExternalTaskDto,
    VariableValueDto,
)
from operaton.tasks.utils import request_with_auth_retry, verify_response_status  # noqa: E402
from operaton.tasks.worker import LimitReached, fetch_and_lock_and_complete  # noqa: E402
from report import Report  # noqa: E402

report = Report()
config = {"maxTasks": 1, "lockDuration": 20_000, "asyncResponseTimeout": 3_000, "retries": 3, "retryTimeout": 0,
          "sleepSeconds": 0}
if (shown := os.environ.get("ENGINE_REST_AUTHORIZATION")) is not None:
    name, _, password = base64.b64decode(shown.removeprefix("Basic ")).decode().partition(":")
    config["auth_basic"] = {"username": name, "password": password}


def call(method, path, status=(200, 204), **more):
    """One request through the session of operaton-tasks, with what it shows."""
    async def send():
        async with operaton_session(headers={"Content-Type": None}) as http:
            response = await request_with_auth_retry(http, method, f"{URL}{path}", **more)
            await verify_response_status(response, status=status)
            return await response.json() if response.status == 200 else None
    return asyncio.run(send())


def work(topic, handler, local=False):
    """Let the worker of operaton-tasks do one task."""
    handlers.clear()
    task(topic, localVariables=local)(handler)

    async def once():
        async with operaton_session() as http:
            await asyncio.wait_for(fetch_and_lock_and_complete(http, handlers, limit=1), 20)
    with contextlib.suppress(LimitReached):
        asyncio.run(once())


def start(process, variables):
    return call("POST", f"/process-definition/key/{process}/start", json={"variables": variables})["id"]


with report.step("operaton-tasks: deploy and start"):
    for name in ("c7-order.bpmn", "c7-events.bpmn"):
        form = FormData()
        form.add_field("deployment-name", name)
        form.add_field(name, (FIXTURES / name).read_bytes(), filename=name)
        call("POST", "/deployment/create", data=form)
    order = start("driver_c7_order", {"orderId": {"value": "A-1"}, "when": {
        "value": "2030-01-31T12:00:00.000+0000", "type": "Date"}})
with report.step("operaton-tasks: complete with variables and types"):
    seen = []

    async def charge(found: LockedExternalTaskDto) -> ExternalTaskComplete:
        seen.append(found)
        return ExternalTaskComplete(task=found, response=CompleteExternalTaskDto(
            workerId=found.workerId, variables={"charged": VariableValueDto(value=7, type="Long")}))

    work("driver-charge-card", charge)
    [found] = seen
    assert (found.workerId, found.processInstanceId) == (settings.TASKS_WORKER_ID, order)
    assert (found.variables["when"].type, found.variables["orderId"].value) == ("Date", "A-1")
    assert call("GET", f"/process-instance/{order}/variables/charged")["type"] == "Long"
with report.step("operaton-tasks: BPMN error"):
    events = start("driver_c7_events", {})

    async def decline(found: LockedExternalTaskDto) -> ExternalTaskComplete:
        return ExternalTaskComplete(task=found, response=ExternalTaskBpmnError(
            workerId=found.workerId, errorCode="CARD_DECLINED", errorMessage="no funds"))

    work("driver-flaky-work", decline)
    assert call("GET", "/external-task/count", params={"processInstanceId": events}) == {"count": 0}
with report.step("operaton-tasks: an exception is a failure with its traceback"):
    events = start("driver_c7_events", {})

    async def broken(found: LockedExternalTaskDto) -> ExternalTaskComplete:
        raise ValueError("out of paper")

    work("driver-flaky-work", broken)
    [incident] = call("GET", "/incident", params={"processInstanceId": events})
    assert incident["incidentMessage"] == "out of paper"
    [failure] = call("GET", "/history/external-task-log", params={"processInstanceId": events, "failureLog": "true"})
    assert (failure["errorMessage"], failure["retries"]) == ("out of paper", 0)
    call("PUT", f"/external-task/{failure['externalTaskId']}/retries", json={"retries": 1})

if not os.environ.get("OAUTH2_CLIENT_ID"):
    client = EngineClient(URL, config)
    worker = ExternalTaskWorker("operaton-client", URL, config)
    with report.step("operaton-external-task-client: start and complete"):
        second = client.start_process("driver_c7_order", {"orderId": "A-2"}, business_key="B-2")["id"]
        tasks = []
        worker.fetch_and_execute("driver-charge-card", lambda each: tasks.append(each) or each.complete({"ok": True}))
        assert (tasks[0].get_variables()["orderId"], tasks[0].get_business_key()) == ("A-2", "B-2")
        assert base64.b64decode(client.get_process_instance_variable(second, "ok")) == b"true"
    with report.step("operaton-external-task-client: failure counts down"):
        tasks.clear()
        worker.fetch_and_execute("driver-flaky-work",
                                 lambda each: tasks.append(each) or each.failure("no", "at length", 3, 0))
        [failure, _] = call("GET", "/history/external-task-log", params={
            "externalTaskId": tasks[0].get_task_id(), "failureLog": "true", "sortBy": "timestamp", "sortOrder": "desc"})
        assert failure["workerId"] == "operaton-client"
    with report.step("operaton-external-task-client: history"):
        assert client.get_process_instance_history(second)["businessKey"] == "B-2"
with report.step("clean up"):
    for each in call("GET", "/process-instance"):
        call("DELETE", f"/process-instance/{each['id']}")
report.end()

"""Drives generic-camunda-client: `python c7_generated.py <address> <fixtures>`.

It is generated from Camunda 7's OpenAPI document, and turns every answer into an object of the type that the document
states, with its enumerations, dates and numbers.
"""

from __future__ import annotations

import base64
import datetime
import inspect
import pathlib
import re
import sys

import generic_camunda_client as gc
from report import Report

URL, FIXTURES = sys.argv[1], pathlib.Path(sys.argv[2])
report = Report()
client = gc.ApiClient(gc.Configuration(host=URL))
deployments, definitions = gc.DeploymentApi(client), gc.ProcessDefinitionApi(client)
instances, external, tasks = gc.ProcessInstanceApi(client), gc.ExternalTaskApi(client), gc.TaskApi(client)
NOT_HERE = (400, 404, 405)
"""What is not there, or nothing for the ids that are made up here."""
WHEN = "2030-01-31T12:00:00.000+0000"
FILE = {"filename": "a.txt", "mimetype": "text/plain", "encoding": "UTF-8"}
SENT = {
    "short": ("Short", 5, None), "long": ("Long", 5, None), "double": ("Double", 2.0, None),
    "yes": ("Boolean", True, None), "when": ("Date", WHEN, None), "order": ("Object", '{"id":1}', {
        "objectTypeName": "com.acme.Order", "serializationDataFormat": "application/json"}),
    "json": ("Json", "[1]", None), "nothing": ("Null", None, None), "bytes": ("Bytes", "AAEC", None),
    "file": ("File", base64.b64encode(b"hello").decode(), FILE),
}


def typed(sent):
    return {name: gc.VariableValueDto(type=type, value=value, value_info=info)
            for name, (type, value, info) in sent.items()}


def start(process, **more):
    return definitions.start_process_instance_by_key(
        process, start_process_instance_dto=gc.StartProcessInstanceDto(**more))


def same(found):
    """Whether variables came back as they were sent; a file's content is fetched by itself."""
    for name, (type, value, info) in SENT.items():
        each = found[name]
        assert (each.type, each.value, each.value_info) == (type, None if type == "File" else value, info or {}), each


def needed(operation):
    """The arguments that an operation cannot do without."""
    return [each for each in inspect.signature(operation).parameters.values()
            if each.default is each.empty and each.kind is not each.VAR_KEYWORD]


with report.step("deploy"):
    for name in ("c7-order.bpmn", "c7-events.bpmn"):
        deployment = deployments.create_deployment(data=str(FIXTURES / name), deployment_name=name)
    [resource] = deployments.get_deployment_resources(deployment.id)
    assert resource.name == "c7-events.bpmn"
    [definition] = definitions.get_process_definitions(key="driver_c7_order")
with report.step("start with variables of every type"):
    order = start("driver_c7_order", variables=typed(SENT), business_key="B-1", with_variables_in_return=True)
    same(order.variables)
    same(instances.get_process_instance_variables(order.id))
    assert gc.VariableInstanceApi(client).get_variable_instances_count(
        process_instance_id_in=order.id).count == len(SENT)
with report.step("external task"):
    topic = gc.FetchExternalTaskTopicDto(topic_name="driver-charge-card", lock_duration=10_000)
    [job] = external.fetch_and_lock(fetch_external_tasks_dto=gc.FetchExternalTasksDto(
        worker_id="w", max_tasks=5, topics=[topic]))
    same(job.variables)
    assert isinstance(job.lock_expiration_time, datetime.datetime)
    external.handle_failure(job.id, external_task_failure_dto=gc.ExternalTaskFailureDto(
        worker_id="w", error_message="no", error_details="a stack", retries=1, retry_timeout=0))
    assert external.get_external_task_error_details(job.id) == "a stack"
    [job] = external.fetch_and_lock(fetch_external_tasks_dto=gc.FetchExternalTasksDto(
        worker_id="w", max_tasks=5, topics=[topic]))
    assert job.error_details == "a stack"
    external.complete_external_task_resource(
        job.id, complete_external_task_dto=gc.CompleteExternalTaskDto(worker_id="w"))
    log = gc.HistoricExternalTaskLogApi(client).get_historic_external_task_logs(external_task_id=job.id)
    assert sorted((each.creation_log, each.failure_log, each.success_log) for each in log) \
        == [(False, False, True), (False, True, False), (True, False, False)]
with report.step("variables are changed and removed"):
    instances.modify_process_instance_variables(order.id, patch_variables_dto=gc.PatchVariablesDto(
        modifications={"short": gc.VariableValueDto(type="Long", value=6)}, deletions=["json"]))
    left = instances.get_process_instance_variables(order.id)
    assert (left["short"].type, "json" in left) == ("Long", False)
with report.step("task"):
    [task] = tasks.get_tasks(process_instance_id=order.id)
    tasks.claim(task.id, user_id_dto=gc.UserIdDto(user_id="ann"))
    assert tasks.get_task(task.id).assignee == "ann"
with report.step("an incident"):
    events = start("driver_c7_events")
    [job] = external.fetch_and_lock(fetch_external_tasks_dto=gc.FetchExternalTasksDto(
        worker_id="w", max_tasks=5, topics=[gc.FetchExternalTaskTopicDto(
            topic_name="driver-flaky-work", lock_duration=10_000)]))
    external.handle_failure(job.id, external_task_failure_dto=gc.ExternalTaskFailureDto(
        worker_id="w", error_message="no", retries=0, retry_timeout=0))
    [incident] = gc.IncidentApi(client).get_incidents(process_instance_id=events.id)
    [counted] = [each for each in definitions.get_process_definition_statistics(incidents=True)
                 if each.definition.key == "driver_c7_events"]
    assert counted.incidents[0].incident_count >= 1
with report.step("every GET operation that there is answers with what the document states"):
    [variable] = gc.VariableInstanceApi(client).get_variable_instances(
        process_instance_id_in=order.id, variable_name="yes")
    activity = gc.HistoricActivityInstanceApi(client).get_historic_activity_instances(process_instance_id=order.id)[0]
    ids = {"variable-instance": variable.id, "activity-instance": activity.id, "external-task-log": log[0].id,
           "process-instance": order.id, "execution": order.id, "task": task.id, "process-definition": definition.id,
           "external-task": job.id, "incident": incident.id, "deployment": deployment.id}
    answered = 0
    for _, api in inspect.getmembers(gc.api, inspect.isclass):
        for name, operation in inspect.getmembers(api(client), inspect.ismethod):
            found = re.search(r"call_api\(\s*'([^']+)',\s*'GET'", inspect.getsource(operation)) \
                if name.endswith("_with_http_info") else None
            if found is None or len(needed(operation)) > found[1].count("{"):
                continue    # what must be asked for, too, is not known here
            kind = found[1].removeprefix("/history").split("/")[1]
            given = {"id": ids.get(kind, order.id), "key": "driver_c7_order", "varName": "yes",
                     "resourceId": resource.id}
            try:
                operation(*(given.get(each, "x") for each in re.findall(r"{([\w-]+)}", found[1])))
                answered += 1
            except gc.ApiException as error:
                if error.status not in NOT_HERE:
                    raise AssertionError(f"{found[1]}: {error.status} {error.body}") from error
    assert answered > 95, answered
report.end()

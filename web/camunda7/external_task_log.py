"""The history of external tasks: created, attempts that failed, completed, cancelled."""

from __future__ import annotations

from typing import Any

from flask import Response

from engine.errors import NotFound
from engine.queries import job_log
from engine.queries.criteria import one
from engine.queries.job_log import CANCELED, COMPLETED, CREATED, FAILED, JOB_EVENTS, FoundEvent
from web.camunda7 import formats, known
from web.camunda7.blueprint import answer, bp, done, engine
from web.camunda7.listing import Kind, serve
from web.camunda7.parameters import TENANTS, any_key_of, any_of, at_least, at_most, definition, field, key, only_if

END = "-end"
"""Makes the id of a task's end another one than that of its beginning."""


def _id(key: int) -> str:
    return f"{-key}{END}" if key < 0 else formats.id(key)


def _key(id: str) -> int:
    found = formats.key(id.removesuffix(END))
    return -found if id.endswith(END) and found != formats.NOWHERE else found


def _written(found: FoundEvent) -> dict[str, Any]:
    return {
        "id": _id(found.key), "timestamp": formats.date(found.at), "removalTime": None,
        "externalTaskId": formats.id(found.job_key), "topicName": found.type, "workerId": found.worker,
        "priority": found.priority, "retries": found.retries, "errorMessage": found.message,
        "activityId": found.element_id, "activityInstanceId": formats.id(found.element_instance_key),
        "executionId": formats.id(found.element_instance_key), "processInstanceId": formats.id(found.instance_key),
        "processDefinitionId": known.definition_id(found.definition_key), "processDefinitionKey": found.process_id,
        "tenantId": formats.tenant(found.tenant_id), "rootProcessInstanceId": formats.id(found.root_key),
        "creationLog": found.kind == CREATED, "failureLog": found.kind == FAILED,
        "successLog": found.kind == COMPLETED, "deletionLog": found.kind == CANCELED,
    }


KIND = Kind(
    what=JOB_EVENTS, write=_written,
    parameters={
        "logId": any_key_of("key", _key), "externalTaskId": key("job_key"), "topicName": field("type"),
        "workerId": field("worker"), "errorMessage": field("message"), "activityIdIn": any_of("element_id"),
        "activityInstanceIdIn": any_key_of("element_instance_key"),
        "executionIdIn": any_key_of("element_instance_key"), "processInstanceId": key("instance_key"),
        "processDefinitionId": definition(), "processDefinitionKey": field("process_id"),
        "priorityHigherThanOrEquals": at_least("priority"), "priorityLowerThanOrEquals": at_most("priority"),
        "creationLog": only_if("kind", "eq", CREATED), "failureLog": only_if("kind", "eq", FAILED),
        "successLog": only_if("kind", "eq", COMPLETED), "deletionLog": only_if("kind", "eq", CANCELED), **TENANTS,
    },
    sorts={"timestamp": "at", "externalTaskId": "job_key", "topicName": "type", "workerId": "worker",
           "retries": "retries", "priority": "priority", "activityId": "element_id",
           "activityInstanceId": "element_instance_key", "executionId": "element_instance_key",
           "processInstanceId": "instance_key", "processDefinitionId": "definition_key",
           "processDefinitionKey": "process_id", "tenantId": "tenant_id"},
)


serve("/history/external-task-log", KIND)


@bp.get("/history/external-task-log/<id>")
def get_external_task_event(id: str) -> Response:
    """One event."""
    found = one(engine(), JOB_EVENTS, _key(id))
    if found is None:
        raise NotFound(f"Expected to find an external task log with id {id}, but there is none.")
    return answer(_written(found))


@bp.get("/history/external-task-log/<id>/error-details")
def get_details_of_event(id: str) -> Response:
    """What a failed attempt had to say at length. Nothing if it said nothing."""
    text = job_log.details_of_failure(engine(), _key(id))
    return Response(text, content_type="text/plain; charset=utf-8") if text else done()

"""Jobs in Camunda 7's sense, work of the engine itself: timers that run down, and steps that failed."""

from __future__ import annotations

from typing import Any

from flask import Response

from engine import requests
from engine.errors import InvalidInput, NotFound, WrongState
from engine.queries.criteria import one
from engine.queries.engine_work import ENGINE_WORK, FAILED, TIMER, FoundWork
from web.body import body
from web.camunda7 import formats, incidents
from web.camunda7.blueprint import answer, bp, done, engine
from web.camunda7.listing import Kind, serve
from web.camunda7.parameters import TENANTS, any_key_of, definition, field, key, like, only_if


def _written(found: FoundWork) -> dict[str, Any]:
    return {
        "id": formats.id(found.key), "jobDefinitionId": None, "processInstanceId": formats.id(found.instance_key),
        "processDefinitionId": formats.definition_id(found.process_id, found.version, found.definition_key),
        "processDefinitionKey": found.process_id, "executionId": formats.id(found.element_instance_key),
        "exceptionMessage": found.message, "failedActivityId": found.element_id if found.kind == FAILED else None,
        "retries": found.attempts_left, "dueDate": formats.date(found.due_at), "suspended": found.suspended,
        "priority": 0, "tenantId": formats.tenant(found.tenant_id), "createTime": formats.date(found.created_at),
        "batchId": None,
    }


KIND = Kind(
    what=ENGINE_WORK, write=_written,
    parameters={
        "jobId": key("key"), "jobIds": any_key_of("key"), "processInstanceId": key("instance_key"),
        "processInstanceIds": any_key_of("instance_key"), "executionId": key("element_instance_key"),
        "processDefinitionId": definition(), "processDefinitionKey": field("process_id"),
        "activityId": field("element_id"), "failedActivityId": field("element_id"),
        "timers": only_if("kind", "eq", TIMER), "messages": only_if("kind", "neq", TIMER),
        "withException": only_if("kind", "eq", FAILED), "exceptionMessage": field("message"),
        "exceptionMessageLike": like("message"), "withRetriesLeft": only_if("attempts_left", "gt", 0),
        "noRetriesLeft": only_if("attempts_left", "eq", 0), "active": only_if("suspended", "eq", False),
        "suspended": only_if("suspended", "eq", True), **TENANTS,
    },
    sorts={"jobId": "key", "executionId": "element_instance_key", "processInstanceId": "instance_key",
           "processDefinitionId": "definition_key", "processDefinitionKey": "process_id",
           "jobRetries": "attempts_left", "jobDueDate": "due_at", "tenantId": "tenant_id"},
)


serve("/job", KIND)


@bp.get("/job/<id>")
def get_job(id: str) -> Response:
    """One job."""
    return answer(_written(_found(id)))


@bp.get("/job/<id>/stacktrace")
def get_stacktrace(id: str) -> Response:
    """Why a step failed."""
    return Response(_found(id).message or "", content_type="text/plain; charset=utf-8")


@bp.put("/job/<id>/retries")
def set_job_retries(id: str) -> Response:
    """Let a step that failed be tried again."""
    retries = body().integer("retries", 0)
    if not retries:
        raise InvalidInput("Expected 'retries' to be 1 or more, but it is missing or less.")
    _try_again(id, retries)
    return done()


@bp.post("/job/<id>/execute")
def execute_job(id: str) -> Response:
    """Try a step that failed again."""
    _try_again(id, 1)
    return done()


def _try_again(id: str, retries: int) -> None:
    # What this very request resolved before is no job any more.
    if not requests.repeats() and _found(id).kind != FAILED:
        raise WrongState(f"Expected job {id} to have failed, but it is a timer that waits for its time.")
    incidents.resolve(formats.key(id), retries)


def _found(id: str) -> FoundWork:
    found = one(engine(), ENGINE_WORK, formats.key(id))
    if found is None:
        raise NotFound(f"Expected to find a job with id {id}, but there is none.")
    return found

"""External tasks: the jobs of workers. Answered, locked, found; handed out in `web.camunda7.fetching`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Concatenate, ParamSpec, TypeVar

from flask import Response

from engine import variables
from engine.errors import InvalidInput, NotFound, WrongState
from engine.queries import job_log, lists
from engine.queries.criteria import Criterion, one
from engine.queries.searches import JOBS, TIMED_OUT, FoundJob
from engine.states import OPEN_JOB_STATES, JobState
from engine.transaction import Transaction
from engine.work import jobs
from web.body import Body, body
from web.camunda7 import formats, incidents, known, values
from web.camunda7.blueprint import acting, answer, bp, done, engine
from web.camunda7.listing import Asked, Kind, as_flag, serve
from web.camunda7.parameters import (
    TENANTS,
    after,
    any_key_of,
    any_of,
    at_least,
    at_most,
    before,
    definition,
    field,
    key,
    only_if,
)

P = ParamSpec("P")
Result = TypeVar("Result")

DEFAULT_RETRIES = 3
OPEN = [state.value for state in OPEN_JOB_STATES]


def retries_of(retries: int, *, failed: bool) -> int | None:
    """The attempts that are left: null until the first one failed or somebody set them.

    The JavaScript and Python clients count down from their own default as long as it is null.
    """
    return retries if failed or retries != DEFAULT_RETRIES else None


def _written(found: FoundJob) -> dict[str, Any]:
    failed = found.error_message is not None and found.standing != TIMED_OUT
    return {
        "activityId": found.element_id, "activityInstanceId": formats.id(found.element_instance_key),
        "errorMessage": found.error_message if failed else None,
        "executionId": formats.id(found.element_instance_key), "id": formats.id(found.key),
        "lockExpirationTime": formats.date(found.locked_until), "createTime": formats.date(found.created_at),
        "processDefinitionId": known.definition_id(found.definition_key), "processDefinitionKey": found.process_id,
        "processDefinitionVersionTag": known.definition(found.definition_key).process.version_tag,
        "processInstanceId": formats.id(found.instance_key),
        "retries": retries_of(found.retries, failed=failed or found.state == JobState.FAILED),
        "suspended": found.suspended, "workerId": found.locked_by, "topicName": found.type,
        "tenantId": formats.tenant(found.tenant_id), "priority": found.priority, "businessKey": found.business_id,
    }


def _locked(asked: Asked) -> list[Criterion]:
    """Locked means: by a worker whose time is not over."""
    found = []
    for name, locked in (("locked", True), ("notLocked", False)):
        if name in asked.content and as_flag(asked.content[name], name):
            found.append(Criterion("locked_until", "gt", engine().clock()) if locked
                         else Criterion("free_at", "eq", engine().clock()))
    return found


KIND = Kind(
    what=JOBS, write=_written, always=[Criterion("state", "in", OPEN)], further=_locked,
    parameters={
        "externalTaskId": key("key"), "externalTaskIdIn": any_key_of("key"), "topicName": field("type"),
        "workerId": field("locked_by"), "withRetriesLeft": only_if("retries", "gt", 0),
        "noRetriesLeft": only_if("retries", "eq", 0), "lockExpirationAfter": after("locked_until"),
        "lockExpirationBefore": before("locked_until"), "activityId": field("element_id"),
        "activityIdIn": any_of("element_id"), "executionId": key("element_instance_key"),
        "processInstanceId": key("instance_key"), "processInstanceIdIn": any_key_of("instance_key"),
        "processDefinitionId": definition(), "processDefinitionKey": field("process_id"),
        "processDefinitionKeyIn": any_of("process_id"), "active": only_if("suspended", "eq", False),
        "suspended": only_if("suspended", "eq", True), "priorityHigherThanOrEquals": at_least("priority"),
        "priorityLowerThanOrEquals": at_most("priority"), **TENANTS,
    },
    sorts={"id": "key", "lockExpirationTime": "locked_until", "processInstanceId": "instance_key",
           "processDefinitionId": "definition_key", "processDefinitionKey": "process_id", "tenantId": "tenant_id",
           "taskPriority": "priority", "createTime": "created_at"},
    ignored=frozenset({"locked", "notLocked"}),
)


serve("/external-task", KIND)


@bp.get("/external-task/topic-names")
def list_topics() -> Response:
    """The topics of open external tasks."""
    return answer(list(lists.job_types(engine())))


@bp.get("/external-task/<id>")
def get_external_task(id: str) -> Response:
    """One external task."""
    return answer(_written(_open(formats.key(id))))


@bp.get("/external-task/<id>/errorDetails")
def get_error_details(id: str) -> Response:
    """What the last attempt that failed had to say at length. Nothing if it said nothing."""
    found = _open(formats.key(id))
    details = job_log.details(engine(), [found.key]).get(found.key)
    return Response(details, content_type="text/plain; charset=utf-8") if details else done()


@bp.post("/external-task/<id>/complete")
def complete(id: str) -> Response:
    """Finish a task."""
    asked = body()
    _answered(id, jobs.complete, values.read_all(asked), local_variables=values.read_all(asked, "localVariables"),
              worker=_worker(asked))
    return done()


@bp.post("/external-task/<id>/failure")
def fail(id: str) -> Response:
    """Report that an attempt failed. Without retries an incident is opened."""
    asked = body()
    outer = values.read_all(asked)
    _answered(
        id, _fail, asked.text("errorMessage") or "", details=asked.text("errorDetails"),
        local=values.read_all(asked, "localVariables"), outer=outer,
        scope=_open(formats.key(id)).element_instance_key if outer else None,
        retries=asked.integer("retries", 0) or 0,
        retry_in=max(asked.milliseconds("retryTimeout") or timedelta(), timedelta()), worker=_worker(asked),
    )
    return done()


def _fail(tx: Transaction, key: int, message: str, *, details: str | None, local: Mapping[str, Any],
          outer: Mapping[str, Any], scope: int | None, retries: int, retry_in: timedelta, worker: str) -> None:
    jobs.fail(tx, key, message, details=details, retries=retries, retry_in=retry_in, variables=local, worker=worker)
    if scope is not None:
        variables.set(tx, scope, outer)


@bp.post("/external-task/<id>/bpmnError")
def throw_error(id: str) -> Response:
    """Answer a task with a BPMN error."""
    asked = body()
    _answered(id, jobs.throw_error, asked.required_text("errorCode"), asked.text("errorMessage") or "",
              values.read_all(asked), worker=_worker(asked))
    return done()


@bp.post("/external-task/<id>/extendLock")
def extend_lock(id: str) -> Response:
    """Keep a task longer."""
    asked = body()
    _answered(id, jobs.extend_lock, _duration(asked, "newDuration"), worker=_worker(asked))
    return done()


@bp.post("/external-task/<id>/lock")
def lock(id: str) -> Response:
    """Lock a certain task."""
    asked = body()
    _answered(id, jobs.lock, _worker(asked), _duration(asked, "lockDuration"))
    return done()


@bp.post("/external-task/<id>/unlock")
def unlock(id: str) -> Response:
    """Take a task from its worker."""
    _answered(id, jobs.unlock)
    return done()


@bp.put("/external-task/<id>/retries")
def set_retries(id: str) -> Response:
    """Change how many attempts are left; an incident about the lack of them is resolved."""
    retries = body().integer("retries")
    if retries is None:
        raise InvalidInput("Expected 'retries', but it is missing.")
    incident = _incident_of(formats.key(id))
    if incident is not None and retries > 0:
        incidents.resolve(incident, retries)
    else:
        _answered(id, jobs.set_retries, retries)
    return done()


@bp.put("/external-task/<id>/priority")
def set_priority(id: str) -> Response:
    """Change how urgent a task is."""
    priority = body().integer("priority")
    if priority is None:
        raise InvalidInput("Expected 'priority', but it is missing.")
    _answered(id, jobs.set_priority, priority)
    return done()


def _incident_of(job_key: int) -> int | None:
    """The open incident of a task without retries."""
    job = _open(job_key)
    if job.state != JobState.FAILED:
        return None
    found = lists.incidents(engine(), instance_key=job.instance_key, element_id=job.element_id).items
    return next((incident.key for incident in found if incident.job_key == job_key), None)


def _answered(id: str, command: Callable[Concatenate[Transaction, int, P], Result], *args: P.args,
              **kwargs: P.kwargs) -> None:
    """Run a command on a task. Raises NotFound if it is over too: here only open tasks exist."""
    key = formats.key(id)
    try:
        acting().execute(command, key, *args, **kwargs)
    except WrongState:
        _open(key)
        raise


def _open(key: int) -> FoundJob:
    found = one(engine(), JOBS, key)
    if found is None or found.state not in OPEN:
        raise NotFound(f"Expected to find an open external task with id {key}, but there is none.")
    return found


def _worker(asked: Body) -> str:
    return asked.required_text("workerId")


def _duration(asked: Body, name: str) -> timedelta:
    duration = asked.milliseconds(name)
    if duration is None or duration <= timedelta():
        raise InvalidInput(f"Expected '{name}' to be 1 or more, but it is missing or less.")
    return duration

"""Jobs: answered, changed and found. They are handed out in `web.camunda8.activation`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Response

from bpmn.interpreter import Directions
from engine.errors import InvalidInput
from engine.queries.searches import JOBS, RETRYING, TIMED_OUT, FoundJob
from engine.states import JobState
from engine.tasks import user_tasks
from engine.tasks.user_tasks import ListenerAnswer
from engine.transaction import Transaction
from engine.work import jobs
from web.body import Body, body, key_of
from web.camunda8 import formats
from web.camunda8.blueprint import acting, bp, done
from web.camunda8.searching import Field, Kind, as_date, as_flag, as_key, as_number

STATES = {state.value: state.value for state in JobState} | {
    # Camunda 8 tells of what last happened to a job; that a worker holds it is nothing that happened.
    JobState.ACTIVATED.value: "CREATED", RETRYING: "FAILED", TIMED_OUT: "TIMED_OUT",
}
OUR_STATES = {theirs: [ours for ours, name in STATES.items() if name == theirs] for theirs in STATES.values()}
NO_EVENT = "UNSPECIFIED"
LISTENER_EVENTS = {
    "start": "START", "end": "END", "creating": "CREATING", "assigning": "ASSIGNING", "updating": "UPDATING",
    "completing": "COMPLETING", "canceling": "CANCELING", "create": "CREATING", "assignment": "ASSIGNING",
    "update": "UPDATING", "complete": "COMPLETING", "delete": "CANCELING",
}


def listener_event(name: str | None) -> str:
    """How a listener's event is called here."""
    return LISTENER_EVENTS.get((name or "").lower(), NO_EVENT)


OUR_EVENTS = {theirs: [form for ours, name in LISTENER_EVENTS.items() if name == theirs
                       for form in (ours, ours.upper())] for theirs in LISTENER_EVENTS.values()}


def _written(found: FoundJob) -> dict[str, Any]:
    return {
        "customHeaders": user_tasks.changes_asked(found.headers)[0],
        "deadline": formats.date(found.locked_until), "deniedReason": None,
        "elementId": found.element_id, "elementInstanceKey": formats.key(found.element_instance_key),
        "endTime": formats.date(found.ended_at), "errorCode": found.error_code, "errorMessage": found.error_message,
        "hasFailedWithRetriesLeft": found.standing == RETRYING, "isDenied": None, "jobKey": formats.key(found.key),
        "kind": found.kind, "listenerEventType": listener_event(found.listener_event),
        "processDefinitionId": found.process_id, "processDefinitionKey": formats.key(found.definition_key),
        "processInstanceKey": formats.key(found.instance_key), "rootProcessInstanceKey": formats.key(found.root_key),
        "businessId": found.business_id, "retries": found.retries, "state": STATES[found.standing],
        "tenantId": found.tenant_id, "type": found.type, "worker": found.locked_by or "",
        "creationTime": formats.date(found.created_at), "lastUpdateTime": formats.date(found.changed_at),
        "priority": found.priority,
    }


KIND = Kind(
    what=JOBS, write=_written, noun="a job", key="jobKey",
    fields={
        "deadline": Field("locked_until", as_date), "elementId": Field("element_id"),
        "elementInstanceKey": Field("element_instance_key", as_key), "endTime": Field("ended_at", as_date),
        "errorCode": Field("error_code"), "errorMessage": Field("error_message"),
        "hasFailedWithRetriesLeft": Field("retrying", as_flag), "jobKey": Field("key", as_key), "kind": Field("kind"),
        "listenerEventType": Field("listener_event", words=OUR_EVENTS), "priority": Field("priority", as_number),
        "processDefinitionId": Field("process_id"), "processDefinitionKey": Field("definition_key", as_key),
        "processInstanceKey": Field("instance_key", as_key), "retries": Field("retries", as_number),
        "state": Field("standing", words=OUR_STATES), "tenantId": Field("tenant_id"), "type": Field("type"),
        "worker": Field("locked_by"), "creationTime": Field("created_at", as_date),
        "lastUpdateTime": Field("changed_at", as_date),
    },
)


@bp.post("/jobs/search")
def search_jobs() -> Response:
    """Jobs that fit."""
    return KIND.search()


@bp.post("/jobs/<key>/completion")
def complete_job(key: str) -> Response:
    """Finish a job."""
    asked = body()
    acting().execute(jobs.complete, key_of(key, "jobKey"), asked.mapping("variables"), answer=_answer(asked),
                     lock_token=_lease(asked))
    return done()


def _answer(asked: Body) -> ListenerAnswer | Directions | None:
    """What a task listener has to say, or the worker that leads an ad-hoc sub-process (`result`).

    Null leaves a property of the task as it is, an empty one clears it.
    """
    result = asked.inner("result")
    if result.text("type") == "adHocSubProcess":
        return Directions(
            activate=[(one.required_text("elementId"), one.mapping("variables"))
                      for one in result.inners("activateElements")],
            over=result.flag("isCompletionConditionFulfilled") or False,
            cancel_rest=result.flag("isCancelRemainingInstances") or False,
        )
    given = result.inner("corrections")
    corrections: dict[str, Any] = {}
    if (assignee := given.text("assignee")) is not None:
        corrections["assignee"] = assignee or None
    for name, ours in (("dueDate", "due_at"), ("followUpDate", "follow_up_at")):
        if given.content.get(name) is not None:
            corrections[ours] = None if given.content[name] == "" else given.date(name)
    for name, ours in (("candidateUsers", "candidate_users"), ("candidateGroups", "candidate_groups")):
        if (names := given.texts(name)) is not None:
            corrections[ours] = names
    if (priority := given.integer("priority", 0, 100)) is not None:
        corrections["priority"] = priority
    denied = (result.text("deniedReason") or "It was denied.") if result.flag("denied") else None
    return ListenerAnswer(denied=denied, corrections=corrections) if denied is not None or corrections else None


@bp.post("/jobs/<key>/failure")
def fail_job(key: str) -> Response:
    """Report that an attempt failed. Absent retries mean none."""
    asked = body()
    wait = asked.milliseconds("retryBackOff")
    acting().execute(
        jobs.fail, key_of(key, "jobKey"), asked.text("errorMessage") or "", retries=asked.integer("retries", 0) or 0,
        retry_in=None if wait is None else max(wait, timedelta()),
        variables=asked.mapping("variables"), lock_token=_lease(asked),
    )
    return done()


@bp.post("/jobs/<key>/error")
def throw_error(key: str) -> Response:
    """Answer a job with a BPMN error."""
    asked = body()
    acting().execute(
        jobs.throw_error, key_of(key, "jobKey"), asked.required_text("errorCode"), asked.text("errorMessage") or "",
        asked.mapping("variables"), lock_token=_lease(asked),
    )
    return done()


@bp.patch("/jobs/<key>")
def update_job(key: str) -> Response:
    """Change how many attempts a job has left, how long its worker may keep it, and how urgent it is."""
    asked = body()
    changes = asked.inner("changeset")
    retries, timeout = changes.integer("retries"), changes.milliseconds("timeout")
    priority = changes.integer("priority")
    if retries is None and timeout is None and priority is None:
        raise InvalidInput("Expected 'changeset' to have retries, timeout or priority, but it has none of them.")
    acting().execute(_update, key_of(key, "jobKey"), retries, timeout, priority, _lease(asked))
    return done()


def _update(tx: Transaction, key: int, retries: int | None, timeout: timedelta | None, priority: int | None,
            lease: int | None) -> None:
    if timeout is not None:
        jobs.extend_lock(tx, key, timeout, lock_token=lease)
    if retries is not None:
        jobs.set_retries(tx, key, retries)
    if priority is not None:
        jobs.set_priority(tx, key, priority)


def _lease(asked: Body) -> int | None:
    """The lock that the client says it holds. Raises InvalidInput."""
    token = asked.text("jobLeaseToken")
    if token is None:
        return None
    if not (token.isascii() and token.isdigit() and len(token) < 19):
        raise InvalidInput(f"Expected 'jobLeaseToken' to be the token of an activation, but found {token!r}.")
    return int(token)

"""Hands jobs to workers, by long polls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Response

from engine.errors import InvalidInput
from engine.queries import due_jobs
from engine.queries.criteria import Criterion, Search, search
from engine.queries.searches import USER_TASKS, FoundUserTask
from engine.tasks import user_tasks
from engine.work import activation
from engine.work.activation import ActivatedJob
from engine.work.filters import JobFilter
from web import polling, tenancy
from web.body import Body, body
from web.camunda8 import formats
from web.camunda8.blueprint import acting, answer, bp, engine
from web.camunda8.jobs import listener_event
from web.connection import Connection
from web.idempotency import not_remembered

DEFAULT_PATIENCE = timedelta(seconds=10)
LONGEST_PATIENCE = timedelta(minutes=10)
MOST_JOBS = 1_000
ASSIGNED = "ASSIGNED"
"""The word for all tenants that the caller may use, whichever are named."""
TASK_LISTENER = "TASK_LISTENER"
ACTIONS = {"CREATING": "create", "ASSIGNING": "assign", "UPDATING": "update", "COMPLETING": "complete",
           "CANCELING": "cancel"}
"""What people did when a listener is asked about it (Camunda 8 docs, "Task listeners", `action`)."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ATTRIBUTES = {
    "assignee": "assignee", "candidate_groups": "candidateGroupsList", "candidate_users": "candidateUsersList",
    "due_at": "dueDate", "follow_up_at": "followUpDate", "priority": "priority",
}
"""What can change about a task, in our words and in Camunda 8's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """What a worker asks for."""

    type: str
    worker: str
    most: int
    lock: timedelta
    patience: timedelta
    variables: list[str] | None
    with_lease: bool
    only: JobFilter | None


@bp.post("/jobs/activation")
@not_remembered
def activate() -> Response:
    """Lock jobs for a worker."""
    poll = _poll(body())
    ours = acting()
    taken = polling.take(
        ours, [poll.type], poll.patience, Connection(), alike=repr(poll.only),
        next_due=lambda: due_jobs.next_due(ours, poll.type, poll.only),
        activate=lambda: ours.execute(
            activation.activate, [poll.type], poll.worker, poll.most, poll.lock, variables=poll.variables,
            only=poll.only,
        ),
    )
    tasks = _tasks_of(taken)
    return answer({"jobs": [
        _written(job, tasks.get(job.element_instance_key), with_lease=poll.with_lease) for job in taken
    ]})


def _poll(asked: Body) -> Poll:
    tenant_ids = tenancy.asked_for(None if asked.text("tenantFilter") == ASSIGNED else asked.texts("tenantIds"))
    lock = asked.milliseconds("timeout")
    most = asked.integer("maxJobsToActivate", 1)
    if lock is None or lock <= timedelta() or most is None:
        raise InvalidInput("Expected 'timeout' and 'maxJobsToActivate' to be 1 or more, but they are missing or less.")
    patience = asked.milliseconds("requestTimeout") or timedelta()
    if patience == timedelta():
        patience = DEFAULT_PATIENCE
    return Poll(
        type=asked.required_text("type"), worker=asked.text("worker") or "default", most=min(most, MOST_JOBS),
        lock=lock, patience=min(patience, LONGEST_PATIENCE), variables=asked.texts("fetchVariable") or None,
        with_lease=asked.flag("withLease") or False, only=JobFilter(tenant_ids=tenant_ids) if tenant_ids else None,
    )


def _tasks_of(taken: Sequence[ActivatedJob]) -> dict[int, FoundUserTask]:
    """The user tasks that listener jobs are about, by their element instance."""
    keys = [job.element_instance_key for job in taken if job.kind == TASK_LISTENER]
    if not keys:
        return {}
    about = Search(criteria=[Criterion("element_instance_key", "in", keys)], limit=MOST_JOBS)
    return {task.element_instance_key: task for task in search(engine(), USER_TASKS, about).items}


def _written(job: ActivatedJob, task: FoundUserTask | None, *, with_lease: bool) -> dict[str, Any]:
    written = {
        "type": job.type, "processDefinitionId": job.process_id, "processDefinitionVersion": job.version,
        "elementId": job.element_id, "customHeaders": user_tasks.changes_asked(job.headers)[0],
        "worker": job.worker, "retries": job.retries,
        "deadline": (job.locked_until - EPOCH) // timedelta(milliseconds=1), "variables": job.variables,
        "tenantId": job.tenant_id, "physicalTenantId": "default", "jobKey": formats.key(job.key),
        "processInstanceKey": formats.key(job.instance_key),
        "processDefinitionKey": formats.key(job.definition_key),
        "elementInstanceKey": formats.key(job.element_instance_key), "kind": job.kind,
        "listenerEventType": listener_event(job.listener_event),
        "userTask": None if task is None else _task(job, task), "tags": job.tags or [],
        "rootProcessInstanceKey": formats.key(job.root_key), "businessId": job.business_id,
        "priority": job.priority,
    }
    return written | {"jobLeaseToken": str(job.lock_token)} if with_lease else written


def _task(job: ActivatedJob, task: FoundUserTask) -> dict[str, Any]:
    """What a task listener is told of its task, as the task is going to be if no listener objects."""
    asked = user_tasks.changes_asked(job.headers)[1]
    return {
        "action": ACTIONS.get(listener_event(job.listener_event), ""), "assignee": asked.get("assignee", task.assignee),
        "candidateGroups": asked.get("candidate_groups", task.candidate_groups),
        "candidateUsers": asked.get("candidate_users", task.candidate_users),
        "changedAttributes": sorted(ATTRIBUTES[name] for name in asked if name in ATTRIBUTES),
        "dueDate": formats.date(asked.get("due_at", task.due_at)),
        "followUpDate": formats.date(asked.get("follow_up_at", task.follow_up_at)), "formKey": None,
        "priority": asked.get("priority", task.priority), "userTaskKey": formats.key(task.key),
    }

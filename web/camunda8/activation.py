"""Hands jobs to workers, by long polls."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Response

from engine import activation
from engine.activation import ActivatedJob
from engine.errors import InvalidInput
from engine.queries import due_jobs
from web import polling
from web.body import Body, body
from web.camunda8 import formats
from web.camunda8.blueprint import acting, answer, bp
from web.camunda8.jobs import listener_event
from web.camunda8.tenants import the_tenant
from web.connection import Connection

DEFAULT_PATIENCE = timedelta(seconds=10)
LONGEST_PATIENCE = timedelta(minutes=10)
MOST_JOBS = 1_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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


@bp.post("/jobs/activation")
def activate() -> Response:
    """Lock jobs for a worker."""
    poll = _poll(body())
    engine = acting()
    taken = polling.take(
        engine, [poll.type], poll.patience, Connection(), next_due=lambda: due_jobs.next_due(engine, poll.type),
        activate=lambda: engine.execute(
            activation.activate, [poll.type], poll.worker, poll.most, poll.lock, variables=poll.variables
        ),
    )
    return answer({"jobs": [_written(job, with_lease=poll.with_lease) for job in taken]})


def _poll(asked: Body) -> Poll:
    for tenant in asked.texts("tenantIds") or ():
        the_tenant(tenant)
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
        with_lease=asked.flag("withLease") or False,
    )


def _written(job: ActivatedJob, *, with_lease: bool) -> dict[str, Any]:
    written = {
        "type": job.type, "processDefinitionId": job.process_id, "processDefinitionVersion": job.version,
        "elementId": job.element_id, "customHeaders": job.headers, "worker": job.worker, "retries": job.retries,
        "deadline": (job.locked_until - EPOCH) // timedelta(milliseconds=1), "variables": job.variables,
        "tenantId": job.tenant_id, "physicalTenantId": "default", "jobKey": formats.key(job.key),
        "processInstanceKey": formats.key(job.instance_key),
        "processDefinitionKey": formats.key(job.definition_key),
        "elementInstanceKey": formats.key(job.element_instance_key), "kind": job.kind,
        "listenerEventType": listener_event(job.listener_event), "userTask": None, "tags": job.tags or [],
        "rootProcessInstanceKey": formats.key(job.root_key), "businessId": job.business_id,
        "priority": job.priority,
    }
    return written | {"jobLeaseToken": str(job.lock_token)} if with_lease else written

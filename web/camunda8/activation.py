"""Hands jobs to workers: a long poll, answered as soon as there is a job, else when the client's patience ends.

While it waits no transaction is open and nothing spins. Before jobs are locked the connection is looked at, so that
none goes to a worker that has closed it; the few that fall between are freed again.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Response

from engine import activation, jobs
from engine.activation import ActivatedJob
from engine.engine import Engine
from engine.errors import InvalidInput
from engine.queries import due_jobs
from engine.wakeup import jobs_topic
from web.camunda8 import formats
from web.camunda8.blueprint import acting, answer, bp
from web.camunda8.body import Body, body
from web.camunda8.connection import Connection
from web.camunda8.jobs import listener_event
from web.camunda8.tenants import the_tenant

DEFAULT_PATIENCE = timedelta(seconds=10)
LONGEST_PATIENCE = timedelta(minutes=10)
MOST_JOBS = 1_000
GLANCE = 1.0
"""Seconds after which a waiting poll looks whether its client is still there."""
LOOK = 5.0
"""Seconds after which it looks into the database unasked: other processes commit too and cannot wake this one."""
SHORTEST_LOOK = 0.05
"""Seconds to let others finish who are just taking the job that was seen."""
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
    taken = take(acting(), poll, Connection())
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


def take(engine: Engine, poll: Poll, connection: Connection) -> list[ActivatedJob]:
    """The jobs for a poll, waiting for them if need be; none if the client's patience ends or it has gone."""
    deadline = time.monotonic() + poll.patience.total_seconds()
    with engine.wakeup.listen([jobs_topic(poll.type)]) as listener:
        while not connection.is_over:
            due = due_jobs.next_due(engine, poll.type)
            if due is not None and due <= engine.clock():
                taken = _take_now(engine, poll, connection)
                if taken:
                    return taken
            look = time.monotonic() + _until(due, engine)
            while True:
                left = min(deadline, look) - time.monotonic()
                if left <= 0 or listener.wait(min(left, GLANCE)) or connection.is_over:
                    break
            if time.monotonic() >= deadline:
                break
    return []


def _until(due: datetime | None, engine: Engine) -> float:
    """Seconds until there may be a job that nobody will tell of: one whose waiting time ends."""
    if due is None:
        return LOOK
    return min(max((due - engine.clock()).total_seconds(), SHORTEST_LOOK), LOOK)


def _take_now(engine: Engine, poll: Poll, connection: Connection) -> list[ActivatedJob]:
    taken = engine.execute(
        activation.activate, [poll.type], poll.worker, poll.most, poll.lock, variables=poll.variables
    )
    if taken and connection.is_dead:
        # It closed the connection while its jobs were being locked.
        engine.execute(jobs.give_back, taken)
        return []
    return taken


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

"""Fetch and lock: hands external tasks to workers, waiting for them if the worker asks for it.

Topics that differ in nothing but their names are fetched together, so that none of them starves behind another one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import Response

from engine.errors import InvalidInput
from engine.queries import due_jobs, instance, job_log
from engine.schema import DEFAULT_TENANT
from engine.transaction import Transaction
from engine.work import activation
from engine.work.activation import ActivatedJob
from engine.work.filters import JobFilter
from web import polling, tenancy
from web.auth.roles import Permission
from web.body import Body, body
from web.camunda7 import formats, known, values
from web.camunda7.blueprint import acting, answer, bp, engine
from web.camunda7.external_tasks import retries_of
from web.connection import Connection
from web.idempotency import not_remembered

LONGEST_PATIENCE = timedelta(minutes=30)
MOST_TASKS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """What a worker wants of one topic. `variables` are the names it needs (None: all)."""

    name: str
    lock: timedelta
    variables: list[str] | None
    local: bool
    only: JobFilter | None
    with_properties: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """What a worker asks for."""

    worker: str
    most: int
    patience: timedelta
    topics: list[Topic]


Fetched = list[tuple[Topic, ActivatedJob]]


@bp.post("/external-task/fetchAndLock")
@not_remembered
def fetch_and_lock() -> Response:
    """Lock external tasks for a worker."""
    asked = _read(body())
    topic_of: dict[int, Topic] = {}

    def activate() -> list[ActivatedJob]:
        fetched = acting().execute(_activate, asked)
        topic_of.update((job.key, topic) for topic, job in fetched)
        return [job for _, job in fetched]

    wanted = [(topic.name, topic.only) for topic in asked.topics]
    taken = polling.take(
        acting(), {topic.name for topic in asked.topics}, asked.patience, Connection(),
        next_due=lambda: due_jobs.next_due_of_any(engine(), wanted), activate=activate,
        alike=repr(sorted(wanted, key=lambda each: each[0])),
    ) if asked.topics and asked.most else []
    details = job_log.details(engine(), [job.key for job in taken if job.error_message is not None])
    return answer([_written(job, topic_of[job.key], details.get(job.key)) for job in taken])


def _read(asked: Body) -> Fetch:
    most = asked.integer("maxTasks", 0)
    if most is None:
        raise InvalidInput("Expected 'maxTasks', but it is missing.")
    patience = asked.milliseconds("asyncResponseTimeout") or timedelta()
    if not timedelta() <= patience <= LONGEST_PATIENCE:
        longest = LONGEST_PATIENCE // timedelta(milliseconds=1)
        raise InvalidInput(f"Expected 'asyncResponseTimeout' to be from 0 to {longest}, but it is not.")
    return Fetch(worker=asked.required_text("workerId"), most=min(most, MOST_TASKS), patience=patience,
                 topics=[_topic(each) for each in asked.inners("topics")])


def _topic(asked: Body) -> Topic:
    lock = asked.milliseconds("lockDuration")
    if lock is None or lock <= timedelta():
        raise InvalidInput("Expected 'lockDuration' of every topic to be 1 or more, but it is missing or less.")
    return Topic(
        name=asked.required_text("topicName"), lock=lock, variables=asked.texts("variables"),
        local=asked.flag("localVariables") or False, only=_filter(asked),
        with_properties=asked.flag("includeExtensionProperties") or False,
    )


def _filter(asked: Body) -> JobFilter | None:
    process_ids = _both(asked.text("processDefinitionKey"), asked.texts("processDefinitionKeyIn"))
    ids = _both(asked.text("processDefinitionId"), asked.texts("processDefinitionIdIn"))
    if asked.flag("withoutTenantId"):
        tenant_ids: Collection[str] | None = [DEFAULT_TENANT]
    else:
        tenant_ids = asked.texts("tenantIdIn") or tenancy.usable(Permission.JOBS)
    made = JobFilter(
        business_id=asked.text("businessKey"), process_ids=process_ids,
        definition_keys=None if ids is None else [formats.definition_key(id) for id in ids],
        version_tag=asked.text("processDefinitionVersionTag"), tenant_ids=tenant_ids,
        variables=asked.mapping("processVariables") or None,
    )
    return None if made == JobFilter() else made


def _both(one: str | None, some: list[str] | None) -> list[str] | None:
    """What one of the two fields asks for, or both of them together."""
    if one is None:
        return some or None
    return [one] if not some or one in some else []


def _activate(tx: Transaction, asked: Fetch) -> Fetched:
    fetched: Fetched = []
    for group in _alike(asked.topics):
        left = asked.most - len(fetched)
        if left <= 0:
            break
        of_name = {topic.name: topic for topic in group}
        like = group[0]
        found = activation.activate(tx, list(of_name), asked.worker, left, like.lock, variables=like.variables,
                                    only=like.only)
        fetched += [(of_name[job.type], job) for job in found]
    return fetched


def _alike(topics: Collection[Topic]) -> list[list[Topic]]:
    groups: list[list[Topic]] = []
    for topic in topics:
        for group in groups:
            like = group[0]
            if (topic.lock, topic.variables, topic.only) == (like.lock, like.variables, like.only):
                group.append(topic)
                break
        else:
            groups.append([topic])
    return groups


def _written(job: ActivatedJob, topic: Topic, details: str | None) -> dict[str, Any]:
    failed = job.error_message is not None and not job.lock_expired
    return {
        "activityId": job.element_id, "activityInstanceId": formats.id(job.element_instance_key),
        "errorMessage": job.error_message if failed else None, "errorDetails": details if failed else None,
        "executionId": formats.id(job.element_instance_key), "id": formats.id(job.key),
        "lockExpirationTime": formats.date(job.locked_until), "createTime": formats.date(job.created_at),
        "processDefinitionId": formats.definition_id(job.process_id, job.version, job.definition_key),
        "processDefinitionKey": job.process_id,
        "processDefinitionVersionTag": known.definition(job.definition_key).process.version_tag,
        "processInstanceId": formats.id(job.instance_key), "retries": retries_of(job.retries, failed=failed),
        "suspended": False, "workerId": job.worker, "topicName": job.type, "tenantId": formats.tenant(job.tenant_id),
        "priority": job.priority, "businessKey": job.business_id,
        "variables": values.all_written(_variables(job, topic), job.declared),
        "extensionProperties": _properties(job) if topic.with_properties else {},
    }


def _variables(job: ActivatedJob, topic: Topic) -> Mapping[str, Any]:
    if not topic.local:
        return job.variables
    own = instance.variables(engine(), job.instance_key, job.element_instance_key)
    return {name: value for name, value in own.items() if name in job.variables}


def _properties(job: ActivatedJob) -> dict[str, str]:
    element = known.element(job.definition_key, job.element_id)
    return dict(element.properties) if element else {}

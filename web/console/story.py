"""What an instance is doing, in sentences: the first thing its page says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from bpmn.model import USER_TASK_JOB, Process
from engine.durations import Learned
from engine.queries.instance import InstanceDetail
from engine.queries.things import JobRow, SubscriptionRow
from engine.states import IncidentState, InstanceState, JobState, UserTaskState
from web.console.formatting import duration, short

FEW = 20
"""Visits of an element that it takes to say what 95 of 100 do."""
LONGEST_NAME = 40
MOST = 5
"""How many sentences at once; an instance with a thousand tokens would bury its page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """One sentence, in the colour of a state; `moment` is the time it ends with, `usual` how it is with others that
    are at the same element, `element_id`."""

    state: str
    text: str
    moment: datetime | None = None
    element_id: str = ""
    usual: str = ""


def tell(detail: InstanceDetail, process: Process, now: datetime, learned: Mapping[str, Learned]) -> list[Sentence]:
    """What an instance waits for, the most urgent first. `learned` is what is known of the elements of its process."""
    row = detail.row
    if row.state == InstanceState.COMPLETED:
        reason = f" with reason {row.end_reason}" if row.end_reason else ""
        return [Sentence(state="completed", text=f"Came to its end{reason}", moment=row.ended_at)]
    if row.state == InstanceState.TERMINATED:
        reason = f": “{short(row.end_reason, 300)}”" if row.end_reason else ""
        return [Sentence(state="terminated", text=f"Ended before its end{reason}", moment=row.ended_at)]
    told = [_compared(told, learned) for told in _waits(detail, process, now)]
    told = told or [Sentence(state="active", text="Its tokens move.")]
    told.sort(key=lambda sentence: sentence.state != "incident")
    shown = told[:MOST]
    if len(told) > MOST:
        shown.append(Sentence(state="active", text=f"And {len(told) - MOST} more."))
    if row.suspended_at:
        shown.insert(0, Sentence(state="suspended", text="Suspended: nothing moves until somebody resumes it, since",
                                 moment=row.suspended_at))
    return shown


def _compared(told: Sentence, learned: Mapping[str, Learned]) -> Sentence:
    known = learned.get(told.element_id)
    if known is None or known.samples < FEW or told.state == "incident":
        return told
    return replace(told, usual=f"95 % leave here within {duration(known.p95)}")


def _waits(detail: InstanceDetail, process: Process, now: datetime) -> Iterator[Sentence]:
    def name(element_id: str) -> str:
        element = process.elements.get(element_id)
        return f"“{(element and element.name) or element_id}”"

    for incident in detail.incidents:
        if incident.state == IncidentState.ACTIVE:
            yield Sentence(state="incident", moment=incident.created_at,
                           text=f"{name(incident.element_id)} failed: “{short(incident.message, 300)}”")
    for job in detail.jobs:
        if job.state in (JobState.CREATED, JobState.ACTIVATED) and not _is_beside_task(job):
            yield replace(_job(job, name(job.element_id), now), element_id=job.element_id)
    for task in detail.user_tasks:
        if task.state == UserTaskState.CREATED:
            who = f"for {task.assignee}" if task.assignee else "for somebody to claim it"
            yield Sentence(state="waiting", text=f"{name(task.element_id)} waits {who}, since", moment=task.created_at,
                           element_id=task.element_id)
    # What is only attached watches over something that is told already.
    for subscription in detail.subscriptions:
        if not subscription.attached:
            yield Sentence(state="waiting", moment=subscription.created_at, element_id=subscription.element_id,
                           text=f"{name(subscription.element_id)} waits for {_event(subscription, process)}, since")
    for timer in detail.timers:
        if not timer.attached:
            yield Sentence(state="waiting", text=f"{name(timer.element_id)} waits for its time, due",
                           moment=timer.due_at)
    for child in detail.called:
        if child.state != InstanceState.ACTIVE:
            continue
        name_of_child = child.business_id or child.process_name or child.process_id
        if child.incident_count:
            yield Sentence(state="incident", text=f"The called instance {name_of_child} ({child.key}) has failed.")
        else:
            yield Sentence(state="waiting", moment=child.started_at,
                           text=f"Waits for the called instance {name_of_child} ({child.key}), since")


def _is_beside_task(job: JobRow) -> bool:
    """Whether the job only offers a user task to workers, too, and none has taken it: the task tells enough."""
    return job.type == USER_TASK_JOB and job.state == JobState.CREATED and not job.error_message


def _job(job: JobRow, name: str, now: datetime) -> Sentence:
    if job.expected_by and job.expected_by <= now:
        return Sentence(state="stalled", moment=job.expected_by,
                        text=f"{name} is late: “{job.type}” should have answered")
    if job.state == JobState.ACTIVATED:
        return Sentence(state="active", moment=job.locked_until,
                        text=f"{name} is being done by worker {job.locked_by}, whose lock ends")
    if job.error_message:
        attempts = "1 attempt" if job.retries == 1 else f"{job.retries} attempts"
        return Sentence(state="retrying", moment=job.due_at,
                        text=f"{name} failed with “{short(job.error_message, 300)}” and has {attempts} left, the next")
    return Sentence(state="waiting", text=f"{name} waits for a worker for “{job.type}”, since", moment=job.created_at)


def _event(subscription: SubscriptionRow, process: Process) -> str:
    if subscription.kind == "MESSAGE":
        key = subscription.correlation_key
        with_key = f" with {_key_name(subscription, process)}{key}" if key is not None else ""
        return f"the message “{subscription.name}”{with_key}"
    if subscription.kind == "SIGNAL":
        return f"the signal “{subscription.name}”"
    return f"the condition “{short(subscription.name)}” to become true"


def _key_name(subscription: SubscriptionRow, process: Process) -> str:
    """What the diagram calls the correlation key: the expression that gave it, if it is not long."""
    element = process.elements.get(subscription.element_id)
    for event in element.events if element is not None else ():
        expression = event.correlation_key
        if expression is not None and not expression.is_static and len(expression.text) <= LONGEST_NAME:
            return f"{expression.text}="
    return "key "

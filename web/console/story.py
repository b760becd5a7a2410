"""What an instance is doing, in sentences: the first thing its page says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from flask_babel import gettext as _
from flask_babel import ngettext

from bpmn.model import USER_TASK_JOB, Process
from engine.durations import Learned
from engine.queries.instance import InstanceDetail
from engine.queries.things import JobRow, SubscriptionRow
from engine.states import IncidentState, InstanceState, JobState, UserTaskState
from web import sentences
from web.console import joins
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
        text = (_("Came to its end with reason %(reason)s", reason=row.end_reason) if row.end_reason
                else _("Came to its end"))
        return [Sentence(state="completed", text=text, moment=row.ended_at)]
    if row.state == InstanceState.TERMINATED:
        text = (_("Ended before its end: “%(reason)s”", reason=short(row.end_reason, 300)) if row.end_reason
                else _("Ended before its end"))
        return [Sentence(state="terminated", text=text, moment=row.ended_at)]
    told = [_compared(told, learned) for told in _waits(detail, process, now)]
    told = told or [Sentence(state="active", text=_("Its tokens move."))]
    told.sort(key=lambda sentence: sentence.state != "incident")
    shown = told[:MOST]
    if len(told) > MOST:
        shown.append(Sentence(state="active", text=_("And %(count)s more.", count=len(told) - MOST)))
    if row.suspended_at:
        shown.insert(0, Sentence(state="suspended", text=_("Suspended: nothing moves until somebody resumes it, since"),
                                 moment=row.suspended_at))
    return shown


def _compared(told: Sentence, learned: Mapping[str, Learned]) -> Sentence:
    known = learned.get(told.element_id)
    if known is None or known.samples < FEW or told.state == "incident":
        return told
    return replace(told, usual=_("95 %% leave here within %(duration)s", duration=duration(known.p95)))


def _waits(detail: InstanceDetail, process: Process, now: datetime) -> Iterator[Sentence]:
    def name(element_id: str) -> str:
        element = process.elements.get(element_id)
        return f"“{(element and element.name) or element_id}”"

    for incident in detail.incidents:
        if incident.state == IncidentState.ACTIVE:
            yield Sentence(state="incident", moment=incident.created_at,
                           text=_("%(element)s failed: “%(message)s”", element=name(incident.element_id),
                                  message=short(sentences.told(incident.message), 300)))
    for job in detail.jobs:
        if job.state in (JobState.CREATED, JobState.ACTIVATED) and not _is_beside_task(job):
            yield replace(_job(job, name(job.element_id), now), element_id=job.element_id)
    for task in detail.user_tasks:
        if task.state == UserTaskState.CREATED:
            element = name(task.element_id)
            text = (_("%(element)s waits for %(person)s, since", element=element, person=task.assignee)
                    if task.assignee else _("%(element)s waits for somebody to claim it, since", element=element))
            yield Sentence(state="waiting", text=text, moment=task.created_at, element_id=task.element_id)
    # What is only attached watches over something that is told already.
    for subscription in detail.subscriptions:
        if not subscription.attached:
            yield Sentence(state="waiting", moment=subscription.created_at, element_id=subscription.element_id,
                           text=_("%(element)s waits for %(event)s, since", element=name(subscription.element_id),
                                  event=_event(subscription, process)))
    for timer in detail.timers:
        if not timer.attached:
            yield Sentence(state="waiting", moment=timer.due_at,
                           text=_("%(element)s waits for its time, due", element=name(timer.element_id)))
    for join in joins.waiting(detail.elements, process):
        text = (_("%(element)s waits for a token from each of %(others)s, since", element=name(join.element_id),
                  others=", ".join(f"“{each}”" for each in join.missing)) if join.missing
                else _("%(element)s waits for the tokens that can still come to it, since",
                       element=name(join.element_id)))
        yield Sentence(state="waiting", text=text, moment=join.since, element_id=join.element_id)
    for child in detail.called:
        if child.state != InstanceState.ACTIVE:
            continue
        name_of_child = child.business_id or child.process_name or child.process_id
        if child.incident_count:
            yield Sentence(state="incident", text=_("The called instance %(name)s (%(key)s) has failed.",
                                                    name=name_of_child, key=child.key))
        else:
            yield Sentence(state="waiting", moment=child.started_at,
                           text=_("Waits for the called instance %(name)s (%(key)s), since",
                                  name=name_of_child, key=child.key))


def _is_beside_task(job: JobRow) -> bool:
    """Whether the job only offers a user task to workers, too, and none has taken it: the task tells enough."""
    return job.type == USER_TASK_JOB and job.state == JobState.CREATED and not job.error_message


def _job(job: JobRow, name: str, now: datetime) -> Sentence:
    if job.expected_by and job.expected_by <= now:
        return Sentence(state="stalled", moment=job.expected_by,
                        text=_("%(element)s is late: “%(service)s” should have answered", element=name,
                               service=job.type))
    if job.state == JobState.ACTIVATED:
        return Sentence(state="active", moment=job.locked_until,
                        text=_("%(element)s is being done by worker %(worker)s, whose lock ends", element=name,
                               worker=job.locked_by))
    if job.error_message:
        return Sentence(state="retrying", moment=job.due_at,
                        text=ngettext("%(element)s failed with “%(message)s” and has %(num)s attempt left, the next",
                                      "%(element)s failed with “%(message)s” and has %(num)s attempts left, the next",
                                      job.retries, element=name, message=short(sentences.told(job.error_message), 300)))
    return Sentence(state="waiting", moment=job.created_at,
                    text=_("%(element)s waits for a worker for “%(service)s”, since", element=name, service=job.type))


def _event(subscription: SubscriptionRow, process: Process) -> str:
    if subscription.kind == "MESSAGE":
        key = subscription.correlation_key
        if key is None:
            return _("the message “%(name)s”", name=subscription.name)
        named = f"{_key_name(subscription, process)}{key}"
        return _("the message “%(name)s” with %(key)s", name=subscription.name, key=named)
    if subscription.kind == "SIGNAL":
        return _("the signal “%(name)s”", name=subscription.name)
    return _("the condition “%(name)s” to become true", name=short(subscription.name))


def _key_name(subscription: SubscriptionRow, process: Process) -> str:
    """What the diagram calls the correlation key: the expression that gave it, if it is not long."""
    element = process.elements.get(subscription.element_id)
    for event in element.events if element is not None else ():
        expression = event.correlation_key
        if expression is not None and not expression.is_static and len(expression.text) <= LONGEST_NAME:
            return f"{expression.text}="
    return _("key") + " "

"""The page of one instance: what it does, where it is, what happened, and everything that belongs to it.

Its address carries the whole view: `element` narrows the page to one element of the diagram, `tab` chooses the table,
`offset` the part of it, `at` a moment of the past, `before` an older part of the history, `zoom` a part of its time.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from engine import durations
from engine.queries import definitions as known
from engine.queries import instance as found
from engine.queries import instance_parts, past
from engine.queries.effects import EffectRow
from engine.queries.instances import InstanceRow
from engine.queries.past import HistoryRow, Moment
from engine.queries.things import JobRow, UserTaskRow
from engine.states import EffectState, InstanceState, JobState, UserTaskState
from web.console import history, instance_tabs, marks, moments, numbers, story, timeline
from web.console.blueprint import bp, engine
from web.console.instance_tabs import View

ENTRIES = 100
"""Rows of the history that are shown at once, as tree and as timeline."""

EFFECT_LOOKS = {
    EffectState.INTENDED: "waiting",
    EffectState.SENT: "active",
    EffectState.CONFIRMED: "completed",
    EffectState.FAILED: "terminated",
    EffectState.IN_DOUBT: "stalled",
}
JOB_LOOKS = {
    JobState.CREATED: "waiting",
    JobState.ACTIVATED: "active",
    JobState.FAILED: "incident",
    JobState.ERROR_THROWN: "completed",
    JobState.COMPLETED: "completed",
    JobState.CANCELED: "terminated",
}
TASK_LOOKS = {
    UserTaskState.CREATING: "active",
    UserTaskState.CREATED: "waiting",
    UserTaskState.ASSIGNING: "active",
    UserTaskState.UPDATING: "active",
    UserTaskState.COMPLETING: "active",
    UserTaskState.COMPLETED: "completed",
    UserTaskState.CANCELED: "terminated",
}


@bp.app_template_filter("job_look")
def job_look(job: JobRow) -> str:
    """The state whose colour and icon a job is shown with."""
    state = JobState(job.state)
    return "retrying" if state is JobState.CREATED and job.error_message else JOB_LOOKS[state]


@bp.app_template_filter("effect_look")
def effect_look(effect: EffectRow) -> str:
    """The state whose colour and icon an effect is shown with."""
    return "incident" if effect.needs_decision else EFFECT_LOOKS[EffectState(effect.effect)]


@bp.app_template_filter("task_look")
def task_look(task: UserTaskRow) -> str:
    """The state whose colour and icon a user task is shown with."""
    return TASK_LOOKS[UserTaskState(task.state)]


@bp.get("/instances/<key:key>")
def instance(key: int) -> ResponseReturnValue:
    """One instance, now or at a moment of the past."""
    row = found.get(engine(), key)
    process = known.process(engine(), row.definition_key)
    names = {element.id: element.name or element.id for element in process.elements.values()}
    element = request.args.get("element", "")[:255]
    moment = moments.chosen(key)
    tokens = past.tokens(engine(), key, moment, element=element)
    way = past.path(engine(), key, moment)
    work = instance_parts.open_work(engine(), row, tokens)
    counts = instance_parts.counts(engine(), key, element=element, until=moment.at if moment else None)
    tab = request.args.get("tab", "")
    view = View(
        row=row, process=process, names=names, element=element, moment=moment, tokens=tokens, work=work,
        counts=counts, learned=durations.known(engine(), row.definition_key),
        tab=tab if tab in instance_tabs.TABS else "incidents" if row.incident_count else "variables",
    )
    now = engine().clock()
    return render_template(
        "instances/detail.html", section="instances", live=0 if view.tab == "raw" or moment else 3,
        instance=row, names=names, element=element, tab=view.tab, tabs=instance_tabs.tabs(view), counts=counts,
        open=row.state == InstanceState.ACTIVE and moment is None, failed=work.incidents,
        locked=_why_not(row, moment),
        sentences=() if moment else story.tell(work, process, now, view.learned),
        ancestors=instance_parts.ancestors(engine(), row.parent_key),
        marks=marks.live(way.tokens, passed=way.completed, flows=way.flows),
        **_history(row, names, moment, now), **instance_tabs.content(view),
    )


def _why_not(row: InstanceRow, moment: Moment | None) -> str:
    """Why nothing can be done to the instance; empty if something can."""
    if moment is not None:
        return _("This is the past. Go back to now to do something.")
    if row.state != InstanceState.ACTIVE:
        return _("This instance has ended: nothing can be done to it any more.")
    return ""


def _history(row: InstanceRow, names: Mapping[str, str], moment: Moment | None, now: datetime) -> dict[str, object]:
    """A part of the history, as a tree and as a timeline, and the way to the parts beside it."""
    before = numbers.argument("before")
    rows: tuple[HistoryRow, ...] = past.entries(engine(), row.key, limit=ENTRIES, moment=moment, before=before)
    total = moment.total if moment else past.count_before(engine(), row.key, None)
    last = past.count_before(engine(), row.key, before) if before else moment.number if moment else total
    first = last - len(rows) + 1
    lanes, first_lane = rows, first
    if moment is not None and before is None and total <= ENTRIES:
        # What came after the moment is seen in the timeline, too, as long as there is room.
        lanes, first_lane = past.entries(engine(), row.key, limit=ENTRIES), 1
    until = row.ended_at or now
    at = moment.at if moment else None
    tree = history.tree(rows, names, at or until)
    return {
        "history": tree, "lanes": tree if lanes is rows else history.tree(lanes, names, until),
        "first_number": first, "numbers": {each.key: first_lane + index for index, each in enumerate(lanes)},
        "older": rows[0].position if rows and first > 1 else None, "newest": before is not None,
        "timeline": timeline.draw(lanes, row.started_at, until, request.args.get("zoom", ""), at),
        "stepper": moments.Stepper(total=total, number=moment.number if moment else None), "moment": moment,
    }

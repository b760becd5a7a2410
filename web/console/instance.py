"""The page of one instance: what it does, where it is, what happened, and everything that belongs to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, TypeVar

from flask import render_template, request
from flask.typing import ResponseReturnValue

from engine import durations
from engine.queries import decisions, effects, explanations
from engine.queries import definitions as known
from engine.queries import instance as found
from engine.queries.decisions import EvaluationRow
from engine.queries.effects import EffectRow
from engine.queries.explanations import ExplanationRow
from engine.queries.instance import InstanceDetail
from engine.queries.things import JobRow, UserTaskRow
from engine.states import EffectState, IncidentState, InstanceState, JobState, UserTaskState
from web.console import history, marks, story, why
from web.console.blueprint import bp, engine

Row = TypeVar("Row")

TABS = ("variables", "why", "incidents", "jobs", "tasks", "events", "called", "decisions", "effects", "audit", "raw")

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
    """One instance. `element` narrows the page to one element of the diagram, `tab` chooses the table."""
    detail = found.detail(engine(), key)
    process = known.process(engine(), detail.row.definition_key)
    names = {element.id: element.name or element.id for element in process.elements.values()}
    learned = durations.known(engine(), detail.row.definition_key)
    element = request.args.get("element", "")
    tab = request.args.get("tab", "")
    failed = [incident for incident in detail.incidents if incident.state == IncidentState.ACTIVE]
    tab = tab if tab in TABS else "incidents" if failed else "variables"
    decided = decisions.evaluations(engine(), instance_key=key, limit=200).items
    caused = effects.effects(engine(), instance_key=key, limit=200).items
    shown = _of_element(detail, decided, element)
    shown["effects"] = [row for row in caused if not element or row.element_id == element]
    shown["why"] = [token for token in why.tokens(detail, process, learned) if element in ("", token.element_id)]
    now = engine().clock()
    return render_template(
        "instances/detail.html", section="instances", live=0 if tab == "raw" else 3,
        instance=detail.row, names=names, element=element,
        open=detail.row.state == InstanceState.ACTIVE, failed=failed, tab=tab, tabs=_tabs(shown), detail=shown,
        sentences=story.tell(detail, process, now, learned), history=history.tree(detail.elements, names, now),
        explanations=_explanations(key, element) if tab == "variables" else (),
        marks=marks.live(detail.tokens, passed=detail.completed, flows=detail.flows),
        scopes=_scopes(detail, names), unseen=detail.elements_total - len(detail.elements),
        doubts={row.key: row for row in caused if row.needs_decision},
        raw=asdict(detail) if tab == "raw" else None,
    )


def _of_element(detail: InstanceDetail, decided: Sequence[EvaluationRow], element: str) -> dict[str, Any]:
    """The rows of each table, only those of `element` if one is chosen."""
    tokens = {row.key for row in detail.elements if row.element_id == element}

    def rows(all_of_them: Iterable[Row]) -> list[Row]:
        return [row for row in all_of_them if not element or getattr(row, "element_id", None) == element]

    return {
        "variables": [row for row in detail.variables if not element or row.scope_key in tokens],
        "incidents": rows(detail.incidents),
        "jobs": rows(detail.jobs),
        "tasks": rows(detail.user_tasks),
        "timers": rows(detail.timers),
        "subscriptions": rows(detail.subscriptions),
        "called": [row for row in detail.called if not element or row.parent_element_instance_key in tokens],
        "decisions": [row for row in decided if not element or row.element_instance_key in tokens],
        "audit": detail.audit,
    }


def _explanations(key: int, element: str) -> list[ExplanationRow]:
    """Why expressions gave null, only those of `element` if one is chosen."""
    return [row for row in explanations.of_instance(engine(), key) if element in ("", row.element_id)]


def _tabs(shown: Mapping[str, Any]) -> list[tuple[str, str, int | None, str]]:
    """Name, word, number of rows and colour of each tab."""
    counts = {name: len(rows) for name, rows in shown.items()}
    failed = sum(incident.state == IncidentState.ACTIVE for incident in shown["incidents"])
    doubtful = any(effect.needs_decision for effect in shown["effects"])
    undecided = any(evaluation.error for evaluation in shown["decisions"][:1])
    return [
        ("variables", "Variables", counts["variables"], ""),
        ("why", "Why it is here", counts["why"], ""),
        ("incidents", "Incidents", failed or counts["incidents"], "incident" if failed else ""),
        ("jobs", "Jobs", counts["jobs"], ""),
        ("tasks", "User tasks", counts["tasks"], ""),
        ("events", "Timers & messages", counts["timers"] + counts["subscriptions"], ""),
        ("called", "Called instances", counts["called"], ""),
        ("decisions", "Decisions", counts["decisions"], "incident" if undecided else ""),
        ("effects", "Effects", counts["effects"], "incident" if doubtful else ""),
        ("audit", "Audit trail", counts["audit"], ""),
        ("raw", "Raw", None, ""),
    ]


def _scopes(detail: InstanceDetail, names: Mapping[str, str]) -> dict[int, str]:
    """What each scope of a variable is called."""
    scopes = {row.key: names.get(row.element_id, row.element_id) for row in detail.elements}
    return {**scopes, detail.row.key: "Instance"}

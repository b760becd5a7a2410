"""The list of user tasks, with the task that is chosen beside it; and one task alone.

Everything that is chosen is in the address: the list, its filter and order, the part of it, and the task.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _

from engine.errors import NotFound
from engine.queries import definitions as known
from engine.queries import lists
from engine.queries import tasks as found
from engine.queries.things import UserTaskRow
from engine.states import UserTaskState
from engine.tasks import comments as task_comments
from engine.tasks import drafts as task_drafts
from engine.tasks import filters as task_filters
from engine.tasks.filters import CRITERIA, TaskFilter
from web.console import forms, numbers, paging, task_forms, vocabulary
from web.console.blueprint import bp, engine
from web.console.formatting import number
from web.console.security import actor, groups
from web.console.task_actions import actions_of

VIEWS = {
    "mine": (_("Mine"), {"whose": "mine"}),
    "groups": (_("My groups"), {"whose": "groups"}),
    "unassigned": (_("Unassigned"), {"whose": "unassigned"}),
    "open": (_("All"), {}),
    "overdue": (_("Overdue"), {"due": "overdue"}),
}
SOON = timedelta(days=1)
"""How long before its due date a task is marked."""
DEFAULT_VIEW, DEFAULT_SORT = "open", "urgent"
SORTS = {"urgent": _("Most urgent first"), "due": _("Due first"), "follow-up": _("Follow-up first"),
         "newest": _("Newest first"), "oldest": _("Oldest first"), "name": _("By name")}
WORDS = {"whose": vocabulary.WHOSE, "due": vocabulary.DUE, "follow_up": vocabulary.FOLLOW_UP}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    """One list to choose: a view of everybody, or a kept filter."""

    word: str
    link: dict[str, Any]
    current: bool
    count: str
    shared_by: str | None = None


@bp.get("/tasks")
def tasks() -> ResponseReturnValue:
    """The open tasks that the address asks for, and the chosen one."""
    kept = task_filters.visible_to(engine(), actor())
    chosen = _chosen_filter(kept)
    view = "" if chosen else request.args.get("view", DEFAULT_VIEW)
    base: dict[str, str] = dict(chosen.criteria) if chosen else VIEWS.get(view, VIEWS[DEFAULT_VIEW])[1]
    typed = {name: text for name in CRITERIA if (text := request.args.get(name, "").strip())}
    sort = request.args.get("sort", DEFAULT_SORT)
    part = found.search(engine(), _meaning({**base, **typed}), sort=sort, limit=paging.SIZE, offset=paging.offset())
    key = numbers.argument("task")
    return render_template(
        "tasks/list.html", section="tasks", live=5, view=view, tabs=_tabs(kept, view, chosen), chosen=chosen,
        part=part, page=paging.Page(part.items, part.total, paging.offset()), typed=typed, criteria={**base, **typed},
        more=bool(typed.keys() - {"q", "process", "tenant"}), sort=sort, sorts=SORTS, words=WORDS,
        processes=known.processes(engine(), counted=False),
        begun=task_drafts.begun(engine(), [row.key for row in part.items], actor()),
        key=key, pane=None if key is None else _pane(key), **_times(),
    )


@bp.get("/tasks/<key:key>")
def task(key: int) -> ResponseReturnValue:
    """One task alone."""
    pane = _pane(key)
    if pane is None:
        raise NotFound(f"Expected to find a user task with key {key}, but there is none.")
    return render_template("tasks/detail.html", section="tasks", pane=pane, **_times())


def _times() -> dict[str, datetime]:
    now = engine().clock()
    return {"at": now, "soon": now + SOON}


def _chosen_filter(kept: list[TaskFilter]) -> TaskFilter | None:
    key = numbers.argument("filter")
    chosen = next((each for each in kept if each.key == key), None)
    if key is not None and chosen is None:
        raise NotFound(f"Expected to find a filter with key {key} that is yours or shared, but there is none.")
    return chosen


def _meaning(criteria: dict[str, str]) -> found.TaskCriteria:
    now = engine().clock()
    return task_filters.read(criteria, actor(), groups(), now, engine().time_zone)


def _tabs(kept: list[TaskFilter], view: str, chosen: TaskFilter | None) -> list[Tab]:
    wanted = [criteria for _word, criteria in VIEWS.values()] + [dict(each.criteria) for each in kept]
    counted = [number(min(count, found.FEW)) + ("+" if count > found.FEW else "")
               for count in found.counts(engine(), [_meaning(criteria) for criteria in wanted])]
    tabs = [Tab(word=word, link={"view": name}, current=name == view, count=count)
            for (name, (word, _criteria)), count in zip(VIEWS.items(), counted, strict=False)]
    return tabs + [
        Tab(word=each.name, link={"filter": each.key}, current=each is chosen, count=count,
            shared_by=None if each.owner == actor() else each.owner)
        for each, count in zip(kept, counted[len(VIEWS):], strict=True)
    ]


def _pane(key: int) -> dict[str, Any] | None:
    """What the pane shows of a task; None if there is no such task."""
    try:
        row = lists.user_task(engine(), key)
    except NotFound:
        return None
    element = known.process(engine(), row.definition_key).elements.get(row.element_id)
    is_open = row.state == UserTaskState.CREATED
    return {
        "task": row, "open": is_open, "documentation": row.description or (element.documentation if element else None),
        "actions": actions_of(row), "comments": task_comments.of(engine(), key),
        **(_form(row) if is_open else {"form": None, "draft": None}),
    }


def _form(row: UserTaskRow) -> dict[str, Any]:
    draft = task_drafts.of(engine(), row.key, actor())
    seen = {name: forms.fingerprint(value) for name, value in task_forms.visible(row).items()}
    changed = [] if draft is None else sorted(name for name in draft.seen if seen.get(name) != draft.seen[name])
    return {
        "form": task_forms.of_task(row), "changed": changed, "draft": draft,
        "draft_data": {"content": draft.content if draft is not None else None, "seen": seen},
    }

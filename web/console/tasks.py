"""User tasks: the list, and one task with a form made from the variables that it can see."""

from __future__ import annotations

from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from engine import user_tasks
from engine.queries import definitions as known
from engine.queries import lists
from engine.states import UserTaskState
from web.console import paging, task_forms
from web.console.blueprint import acting, bp, done, engine
from web.console.security import actor

VIEWS = (("open", "All open"), ("mine", "Mine"), ("unassigned", "Unassigned"))


def _whose(view: str) -> dict[str, Any]:
    whose: dict[str, dict[str, Any]] = {"mine": {"assignee": actor()}, "unassigned": {"unassigned": True}}
    return whose.get(view, {})


@bp.get("/tasks")
def tasks() -> ResponseReturnValue:
    """The open tasks, the most urgent first."""
    view = request.args.get("view", "open")
    page = paging.page(lists.user_tasks(engine(), limit=paging.SIZE, offset=paging.offset(), **_whose(view)))
    views = [(name, word, lists.user_tasks(engine(), limit=1, **_whose(name)).total) for name, word in VIEWS]
    return render_template("tasks/list.html", section="tasks", live=5, view=view, views=views, page=page)


@bp.get("/tasks/<key:key>")
def task(key: int) -> ResponseReturnValue:
    """One task."""
    row = lists.user_task(engine(), key)
    element = known.process(engine(), row.definition_key).elements.get(row.element_id)
    return render_template("tasks/detail.html", section="tasks", task=row, form=task_forms.of_task(row),
                           open=row.state == UserTaskState.CREATED,
                           documentation=element.documentation if element else None)


@bp.post("/tasks/<key:key>/completion")
def complete_task(key: int) -> ResponseReturnValue:
    """Complete a task with what the form changed."""
    row = lists.user_task(engine(), key)
    acting().execute(user_tasks.complete, key, task_forms.submitted(row))
    return done(f"{row.name or row.element_id} is completed.", url_for("console.tasks"))


@bp.post("/tasks/<key:key>/claim")
def claim_task(key: int) -> ResponseReturnValue:
    """Take a task."""
    acting().execute(user_tasks.claim, key, actor())
    return done("The task is yours.", url_for("console.task", key=key))


@bp.post("/tasks/<key:key>/return")
def unclaim_task(key: int) -> ResponseReturnValue:
    """Give a task back."""
    acting().execute(user_tasks.unclaim, key)
    return done("You gave the task back.", url_for("console.tasks"))

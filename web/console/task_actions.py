"""What people do with a task in the console: take it, give it, complete it, write beside it, keep what they typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from engine.engine import Engine
from engine.errors import InvalidInput
from engine.queries import lists
from engine.queries.things import UserTaskRow
from engine.states import DelegationState, UserTaskState
from engine.tasks import comments as task_comments
from engine.tasks import drafts as task_drafts
from engine.tasks import filters as task_filters
from engine.tasks import user_tasks
from engine.tasks.filters import CRITERIA
from engine.transaction import Transaction
from web.console import formatting, forms, numbers, task_forms
from web.console.blueprint import acting, bp, done, engine
from web.console.security import actor


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskActions:
    """What may be done with a task now: None if it may, else why not."""

    claim: str | None
    unclaim: str | None
    assign: str | None
    delegate: str | None
    complete: str | None
    resolves: bool
    """Completing the form gives the task back to its owner."""


def actions_of(task: UserTaskRow) -> TaskActions:
    """What whoever asks may do with a task."""
    over = _why_not_open(task)
    other = task.assignee if task.assignee not in (None, actor()) else None
    mine = None
    if task.assignee != actor():
        mine = _("%(name)s has the task.", name=other) if other else _("Nobody has the task yet.")
    return TaskActions(
        claim=over or (_("%(name)s has the task. Assign it to yourself to take it over.", name=other) if other else
                       _("You have the task already.") if task.assignee else None),
        unclaim=over or mine, assign=over,
        delegate=over or (mine and _("%(standing)s Only who has a task can delegate it.", standing=mine)),
        complete=over or (_("The task is delegated: %(name)s resolves it first.", name=task.assignee)
                          if task.delegation == DelegationState.PENDING and other else None) or _why_not_running(task),
        resolves=task.delegation == DelegationState.PENDING,
    )


def _why_not_open(task: UserTaskRow) -> str | None:
    if task.state == UserTaskState.CREATED:
        return None
    if task.ended_at is None:
        return _("A listener is asked about the task right now.")
    return _("The task is over.")


def _why_not_running(task: UserTaskRow) -> str | None:
    return None if task.suspended_at is None else _("Its instance is suspended: resume it first.")


def _back(key: int) -> str:
    """Where the form was, if that is the list of tasks; else the page of the task."""
    given = request.form.get("back", "")
    return given if given == "/tasks" or given.startswith("/tasks?") else url_for("console.task", key=key)


def _without_task() -> str:
    """The list where the form was, without the task that is over now."""
    given = request.form.get("list", "")
    return given if given.startswith("/tasks?") else url_for("console.tasks")


@bp.post("/tasks/<key:key>/completion")
def complete_task(key: int) -> ResponseReturnValue:
    """Complete a task with what the form changed, or give a delegated one back to its owner with it."""
    row = lists.user_task(engine(), key)
    actions = actions_of(row)
    resolves = actions.resolves and not actions.complete
    acting().execute(_finish, key, task_forms.submitted(row), resolves)
    name = row.name or row.element_id
    if resolves:
        return done((_("%(name)s is resolved and goes back to %(owner)s.", name=name, owner=row.owner) if row.owner
                     else _("%(name)s is resolved; whoever wants it can claim it.", name=name)), _without_task())
    return done(_("%(name)s is completed.", name=name), _without_task())


def _finish(tx: Transaction, key: int, variables: Mapping[str, Any], resolves: bool) -> None:
    (user_tasks.resolve if resolves else user_tasks.complete)(tx, key, variables)
    task_drafts.forget(tx, key)


@bp.post("/tasks/<key:key>/claim")
def claim_task(key: int) -> ResponseReturnValue:
    """Take a task."""
    acting().execute(user_tasks.claim, key, actor())
    return done(_("The task is yours."), _back(key))


@bp.post("/tasks/<key:key>/return")
def unclaim_task(key: int) -> ResponseReturnValue:
    """Give a task back."""
    acting().execute(user_tasks.unclaim, key)
    return done(_("You gave the task back."), _back(key))


@bp.post("/tasks/<key:key>/assignment")
def assign_task(key: int) -> ResponseReturnValue:
    """Give a task to somebody."""
    name = request.form.get("assignee", "").strip()
    acting().execute(user_tasks.assign, key, name)
    return done(_("%(name)s has the task now.", name=name), _back(key))


@bp.post("/tasks/<key:key>/delegation")
def delegate_task(key: int) -> ResponseReturnValue:
    """Let somebody else work on a task."""
    name = request.form.get("assignee", "").strip()
    acting().execute(user_tasks.delegate, key, name)
    return done(_("%(name)s works on the task for you. It comes back to you when it is resolved.", name=name),
                _back(key))


@bp.post("/tasks/<key:key>/comments")
def comment_on_task(key: int) -> ResponseReturnValue:
    """Write beside a task."""
    acting().execute(task_comments.add, key, request.form.get("message", ""))
    return done(_("Your comment is there."), _back(key))


@bp.post("/tasks/<key:key>/draft")
def keep_draft(key: int) -> ResponseReturnValue:
    """Keep what somebody has typed so far; answers with the time."""
    content, seen = forms.json_object("content", "the draft"), forms.json_object("seen", "what the form showed")
    for name, value in seen.items():
        if not isinstance(value, str):
            raise InvalidInput(f"Expected the fingerprint of {name!r} to be a text, but it is none.")
    kept_at = _drafting().execute(task_drafts.keep, key, content, seen)
    return {"kept_at": formatting.iso(kept_at)}


@bp.post("/tasks/<key:key>/draft/removal")
def discard_draft(key: int) -> ResponseReturnValue:
    """Forget what somebody has typed so far."""
    _drafting().execute(task_drafts.forget, key)
    return done(_("What you had typed is forgotten."), _back(key))


def _drafting() -> Engine:
    return engine().acting_as(actor())


@bp.post("/tasks/filters")
def save_filter() -> ResponseReturnValue:
    """Keep a filter, or change one."""
    criteria = {name: request.form.get(name, "").strip() for name in CRITERIA}
    name = request.form.get("name", "")
    key = acting().execute(task_filters.save, name, criteria, shared="shared" in request.form, key=numbers.field("key"))
    return done(_("The filter %(name)s is kept.", name=name.strip()), url_for("console.tasks", filter=key))


@bp.post("/tasks/filters/<key:key>/removal")
def remove_filter(key: int) -> ResponseReturnValue:
    """Forget a filter."""
    acting().execute(task_filters.remove, key)
    return done(_("The filter is gone."), url_for("console.tasks"))

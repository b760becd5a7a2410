"""What people do with a user task beside completing it: delegate and resolve, change what it says, name whom it
concerns, comment.

Source: Camunda 7 REST reference, "Task", "Task Identity Link", "Task Comment".
"""

from __future__ import annotations

from typing import Any

from flask import Response, request

from engine.errors import InvalidInput, NotFound
from engine.queries.criteria import one
from engine.queries.searches import USER_TASKS
from engine.tasks import comments as task_comments
from engine.tasks import identity_links, user_tasks
from engine.tasks.comments import Comment
from web.body import Body, body, shown
from web.camunda7 import formats, values
from web.camunda7.blueprint import acting, answer, bp, done, engine, link
from web.camunda7.tasks import open_task

TEXTS = {"name": "name", "description": "description", "assignee": "assignee", "owner": "owner"}
DATES = {"due": "due_at", "followUp": "follow_up_at"}


@bp.post("/task/<id>/delegate")
def delegate_task(id: str) -> Response:
    """Let somebody else work on a task for its owner."""
    acting().execute(user_tasks.delegate, open_task(id).key, body().required_text("userId"))
    return done()


@bp.post("/task/<id>/resolve")
def resolve_task(id: str) -> Response:
    """Give a delegated task back to its owner, with variables."""
    asked = body()
    acting().execute(user_tasks.resolve, open_task(id).key, values.read_all(asked))
    return done()


@bp.put("/task/<id>")
def update_task(id: str) -> Response:
    """Change what a task says; what is not in the body stays as it is."""
    found, asked = open_task(id), body()
    if asked.has("delegationState") and asked.text("delegationState") != found.delegation:
        raise InvalidInput("Expected 'delegationState' to be changed by /delegate and /resolve, "
                           f"but found {shown(asked.text('delegationState'))}.")
    changes = _changes(asked)
    if changes:
        acting().execute(user_tasks.change, found.key, changes)
    return done()


def _changes(asked: Body) -> dict[str, Any]:
    changes: dict[str, Any] = {ours: asked.text(name) or None for name, ours in TEXTS.items() if asked.has(name)}
    for name, ours in DATES.items():
        if asked.has(name):
            given = asked.text(name)
            changes[ours] = formats.moment(given, name) if given else None
    priority = asked.integer("priority")
    return changes if priority is None else {**changes, "priority": priority}


@bp.get("/task/<id>/identity-links")
def get_identity_links(id: str) -> Response:
    """Whom a task concerns: `type` limits the list to assignee, owner or candidate."""
    found = open_task(id)
    people = [(found.assignee, None, "assignee")] if found.assignee else []
    people += [(found.owner, None, "owner")] if found.owner else []
    people += [(user, None, "candidate") for user in found.candidate_users]
    groups = [(None, group, "candidate") for group in found.candidate_groups]
    wanted = request.args.get("type")
    return answer([{"userId": user, "groupId": group, "type": type} for user, group, type in [*people, *groups]
                   if wanted in (None, "", type)])


@bp.post("/task/<id>/identity-links")
def add_identity_link(id: str) -> Response:
    """Let a task concern somebody."""
    asked = body()
    acting().execute(identity_links.add, open_task(id).key, asked.required_text("type"), user=asked.text("userId"),
                     group=asked.text("groupId"))
    return done()


@bp.post("/task/<id>/identity-links/delete")
def delete_identity_link(id: str) -> Response:
    """Let a task concern somebody no longer."""
    asked = body()
    acting().execute(identity_links.remove, open_task(id).key, asked.required_text("type"), user=asked.text("userId"),
                     group=asked.text("groupId"))
    return done()


def _comment(found: Comment) -> dict[str, Any]:
    return {
        "links": [], "id": formats.id(found.key), "userId": found.author, "taskId": formats.id(found.task_key),
        "processInstanceId": formats.id(found.instance_key), "time": formats.date(found.at), "message": found.message,
        "removalTime": None, "rootProcessInstanceId": None,
    }


def _comments(id: str) -> list[Comment]:
    found = one(engine(), USER_TASKS, formats.key(id))
    if found is None:
        raise NotFound(f"Expected to find a task with id {id}, but there is none.")
    return task_comments.of(engine(), found.key)


@bp.get("/task/<id>/comment")
def get_comments(id: str) -> Response:
    """The comments of a task, open or over."""
    return answer([_comment(each) for each in _comments(id)])


@bp.get("/task/<id>/comment/<comment>")
def get_comment(id: str, comment: str) -> Response:
    """One comment."""
    for each in _comments(id):
        if each.key == formats.key(comment):
            return answer(_comment(each))
    raise NotFound(f"Expected task {id} to have a comment with id {comment}, but it has none.")


@bp.post("/task/<id>/comment/create")
def add_comment(id: str) -> Response:
    """Write a comment."""
    found = acting().execute(task_comments.add, formats.key(id), body().required_text("message"))
    return answer({**_comment(found), "links": [link(f"/task/{id}/comment/{found.key}")]})

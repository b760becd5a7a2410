"""User tasks: found, assigned, changed, completed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Response

from engine.queries import forms as found_forms
from engine.queries import scopes
from engine.queries.criteria import Criterion
from engine.queries.searches import USER_TASKS, FoundUserTask
from engine.states import UserTaskState
from engine.tasks import user_tasks
from web.body import Body, body, key_of
from web.camunda8 import formats, forms, variables
from web.camunda8.blueprint import acting, bp, done, engine
from web.camunda8.filters import has_variables, listed
from web.camunda8.models import element_of
from web.camunda8.searching import Field, Kind, as_date, as_key, as_number

DEFAULT_PRIORITY = 50


def _written(found: FoundUserTask) -> dict[str, Any]:
    element = element_of(found.definition_key, found.element_id)
    return {
        "name": found.name, "state": found.state, "assignee": found.assignee, "elementId": found.element_id,
        "candidateGroups": found.candidate_groups, "candidateUsers": found.candidate_users,
        "processDefinitionId": found.process_id, "creationDate": formats.date(found.created_at),
        "completionDate": formats.date(found.ended_at), "followUpDate": formats.date(found.follow_up_at),
        "dueDate": formats.date(found.due_at), "tenantId": found.tenant_id, "externalFormReference": found.form_key,
        "processDefinitionVersion": found.version,
        "customHeaders": dict(element.user_task.headers) if element and element.user_task else {},
        "priority": found.priority, "userTaskKey": formats.key(found.key),
        "elementInstanceKey": formats.key(found.element_instance_key), "processName": found.process_name,
        "processDefinitionKey": formats.key(found.definition_key),
        "processInstanceKey": formats.key(found.instance_key), "rootProcessInstanceKey": formats.key(found.root_key),
        "businessId": found.business_id, "formKey": formats.key(found.bound_form), "tags": found.tags or [],
    }


class TaskKind(Kind):
    """User tasks: searches for open ones are made so that their indexes serve."""

    def criteria(self, filter: Body) -> list[Criterion]:
        """The criteria of a filter. Raises InvalidInput."""
        found = super().criteria(filter)
        if OPEN not in found:
            return found
        return [_of_open(criterion) for criterion in found]


OPEN = Criterion("state", "eq", UserTaskState.CREATED.value)


def _of_open(criterion: Criterion) -> Criterion:
    if criterion == OPEN:
        return Criterion("open", "eq", True)
    if criterion.field in ("candidate_user", "candidate_group") and criterion.operator in ("eq", "in"):
        return replace(criterion, field=f"open_{criterion.field}")
    return criterion


KIND = TaskKind(
    what=USER_TASKS, write=_written, noun="a user task", key="userTaskKey",
    fields={
        "state": Field("state"), "assignee": Field("assignee"), "businessId": Field("business_id"),
        "priority": Field("priority", as_number), "elementId": Field("element_id"), "name": Field("name"),
        "tenantId": Field("tenant_id"), "processDefinitionId": Field("process_id"),
        "creationDate": Field("created_at", as_date), "completionDate": Field("ended_at", as_date),
        "followUpDate": Field("follow_up_at", as_date), "dueDate": Field("due_at", as_date),
        "userTaskKey": Field("key", as_key), "processDefinitionKey": Field("definition_key", as_key),
        "processInstanceKey": Field("instance_key", as_key),
        "elementInstanceKey": Field("element_instance_key", as_key),
    },
    special={
        "candidateUser": listed("candidate_user"), "candidateGroup": listed("candidate_group"),
        "tags": listed("tags"), "processInstanceVariables": has_variables("variable"),
        "localVariables": has_variables("local_variable"),
    },
)


@bp.post("/user-tasks/search")
def search_user_tasks() -> Response:
    """User tasks that fit."""
    return KIND.search()


@bp.get("/user-tasks/<key>")
def get_user_task(key: str) -> Response:
    """One user task."""
    return KIND.get(key)


@bp.post("/user-tasks/<key>/assignment")
def assign_user_task(key: str) -> Response:
    """Give a task to somebody; with `allowOverride` false only if nobody has it."""
    asked = body()
    command = user_tasks.claim if asked.flag("allowOverride") is False else user_tasks.assign
    acting().execute(command, key_of(key, "userTaskKey"), asked.required_text("assignee"))
    return done()


@bp.delete("/user-tasks/<key>/assignee")
def unassign_user_task(key: str) -> Response:
    """Take a task from whoever has it."""
    acting().execute(user_tasks.unclaim, key_of(key, "userTaskKey"))
    return done()


@bp.post("/user-tasks/<key>/completion")
def complete_user_task(key: str) -> Response:
    """Finish a task."""
    acting().execute(user_tasks.complete, key_of(key, "userTaskKey"), body().mapping("variables"))
    return done()


@bp.patch("/user-tasks/<key>")
@bp.patch("/user-tasks/<key>/update")  # where the Node client sends it
def update_user_task(key: str) -> Response:
    """Change what a task says; null takes a date or the candidates away."""
    acting().execute(user_tasks.change, key_of(key, "userTaskKey"), _changes(body().inner("changeset")))
    return done()


def _changes(asked: Body) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for name, ours in (("dueDate", "due_at"), ("followUpDate", "follow_up_at")):
        if asked.has(name):
            # An empty text has always meant the same as null.
            changes[ours] = None if asked.content[name] == "" else asked.date(name)
    for name, ours in (("candidateUsers", "candidate_users"), ("candidateGroups", "candidate_groups")):
        if asked.has(name):
            changes[ours] = asked.texts(name) or []
    if asked.has("priority"):
        priority = asked.integer("priority", 0, 100)
        changes["priority"] = DEFAULT_PRIORITY if priority is None else priority
    return changes


@bp.post("/user-tasks/<key>/variables/search")
def search_variables_of_task(key: str) -> Response:
    """The variables of all scopes that a task sees, hidden ones included."""
    return _variables(key, "scope_key", "in")


@bp.post("/user-tasks/<key>/effective-variables/search")
def search_effective_variables(key: str) -> Response:
    """The variables that a task sees: of those with one name the innermost."""
    return _variables(key, "visible_through", "eq")


@bp.get("/user-tasks/<key>/form")
def get_form(key: str) -> Response:
    """The Camunda Form that a task is bound to; nothing if it has none that was deployed as a file."""
    return forms.answered(found_forms.of_task(engine(), KIND.found(key)))


def _variables(key: str, scopes_field: str, operator: str) -> Response:
    found = KIND.found(key)
    return variables.KIND.search(
        Criterion("instance_key", "eq", found.instance_key),
        Criterion(scopes_field, operator, scopes.seen_from(engine(), found.element_instance_key)),
    )

"""User tasks: found, claimed, given to somebody, completed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response

from engine import requests
from engine.errors import InvalidInput, NotFound
from engine.queries.criteria import Criterion, one
from engine.queries.searches import USER_TASKS, FoundUserTask
from engine.states import DelegationState, UserTaskState
from engine.tasks import user_tasks
from web.body import body, shown
from web.camunda7 import formats, forms, instances, known, values
from web.camunda7.blueprint import acting, answer, bp, done, engine
from web.camunda7.listing import Asked, Kind, ReadValue, as_flag, as_number, as_text, as_texts, serve
from web.camunda7.parameters import (
    TENANTS,
    after,
    any_key_of,
    any_of,
    at,
    at_least,
    at_most,
    before,
    definition,
    field,
    key,
    like,
    only_if,
    variables,
)


def _written(found: FoundUserTask) -> dict[str, Any]:
    element = known.element(found.definition_key, found.element_id)
    return {
        "id": formats.id(found.key), "name": found.name, "assignee": found.assignee,
        "created": formats.date(found.created_at), "due": formats.date(found.due_at),
        "followUp": formats.date(found.follow_up_at), "lastUpdated": formats.date(found.changed_at),
        "delegationState": found.delegation,
        "description": found.description or (element.documentation if element else None),
        "executionId": formats.id(found.element_instance_key), "owner": found.owner, "parentTaskId": None,
        "priority": found.priority,
        "processDefinitionId": formats.definition_id(found.process_id, found.version, found.definition_key),
        "processInstanceId": formats.id(found.instance_key), "taskDefinitionKey": found.element_id,
        "caseExecutionId": None, "caseInstanceId": None, "caseDefinitionId": None,
        "suspended": found.suspended_at is not None, "formKey": found.form_key,
        "camundaFormRef": forms.reference(element.user_task.form if element and element.user_task else None),
        "tenantId": formats.tenant(found.tenant_id), "taskState": "Created",
    }


CANDIDATES: Mapping[str, tuple[str, str, ReadValue]] = {
    "candidateUser": ("open_candidate_user", "eq", as_text), "candidateGroup": ("open_candidate_group", "eq", as_text),
    "candidateGroups": ("open_candidate_group", "in", as_texts),
    "withCandidateUsers": ("open_candidate_user", "eq", as_flag),
    "withCandidateGroups": ("open_candidate_group", "eq", as_flag),
}
WITHOUT = {"withoutCandidateUsers": "open_candidate_user", "withoutCandidateGroups": "open_candidate_group"}


def _candidates(asked: Asked) -> list[Criterion]:
    """Tasks that somebody may claim: those that nobody has, unless all are asked for."""
    found = [Criterion(name, operator, value) for parameter, (name, operator, read) in CANDIDATES.items()
             if parameter in asked.content and (value := read(asked.content[parameter], parameter)) is not False]
    if found and not asked.flag("includeAssignedTasks"):
        found.append(Criterion("assignee", "exists", False))
    return found + [Criterion(name, "eq", False) for parameter, name in WITHOUT.items() if asked.flag(parameter)]


def _delegation(value: Any, where: str) -> list[Criterion]:
    """`delegationState`: PENDING or RESOLVED."""
    state = as_text(value, where)
    if state not in list(DelegationState):
        raise InvalidInput(f"Expected '{where}' to be one of {', '.join(DelegationState)}, but found {shown(state)}.")
    return [Criterion("delegation", "eq", state)]


KIND = Kind(
    what=USER_TASKS, write=_written, always=[Criterion("open", "eq", True)],
    further=_candidates,
    parameters={
        "taskId": key("key"), "taskIdIn": any_key_of("key"), "processInstanceId": key("instance_key"),
        "processInstanceIdIn": any_key_of("instance_key"), "processInstanceBusinessKey": field("business_id"),
        "processInstanceBusinessKeyIn": any_of("business_id"), "processInstanceBusinessKeyLike": like("business_id"),
        "processDefinitionId": definition(), "processDefinitionKey": field("process_id"),
        "processDefinitionKeyIn": any_of("process_id"), "executionId": key("element_instance_key"),
        "activityInstanceIdIn": any_key_of("element_instance_key"), "assignee": field("assignee"),
        "assigneeLike": like("assignee"), "assigneeIn": any_of("assignee"),
        "assigneeNotIn": any_of("assignee", "not_in"), "assigned": only_if("assignee", "exists", True),
        "unassigned": only_if("assignee", "exists", False), "taskDefinitionKey": field("element_id"),
        "taskDefinitionKeyIn": any_of("element_id"), "taskDefinitionKeyLike": like("element_id"),
        "taskDefinitionKeyNotIn": any_of("element_id", "not_in"), "name": field("name"), "nameLike": like("name"),
        "nameNotEqual": field("name", "neq"), "priority": field("priority", read=as_number),
        "minPriority": at_least("priority"), "maxPriority": at_most("priority"), "dueDate": at("due_at"),
        "dueAfter": after("due_at"), "dueBefore": before("due_at"),
        "withoutDueDate": only_if("due_at", "exists", False), "followUpDate": at("follow_up_at"),
        "followUpAfter": after("follow_up_at"), "followUpBefore": before("follow_up_at"),
        "followUpBeforeOrNotExistent": before("follow_up_or_none"), "owner": field("owner"),
        "delegationState": _delegation, "involvedUser": field("involved_user"), "description": field("description"),
        "descriptionLike": like("description"), "createdOn": at("created_at"), "updatedAfter": after("changed_at"),
        "createdAfter": after("created_at"),
        "createdBefore": before("created_at"), "active": only_if("suspended_at", "exists", False),
        "suspended": only_if("suspended_at", "exists", True), "processVariables": variables(),
        "taskVariables": variables("local_variable"), **TENANTS,
    },
    sorts={"instanceId": "instance_key", "dueDate": "due_at", "executionId": "element_instance_key",
           "followUpDate": "follow_up_at", "assignee": "assignee", "created": "created_at", "lastUpdated": "changed_at",
           "description": "description", "name": "name",
           "nameCaseInsensitive": "name", "priority": "priority", "id": "key", "tenantId": "tenant_id"},
    ignored=frozenset({*CANDIDATES, *WITHOUT, "includeAssignedTasks"}),
)


serve("/task", KIND)


@bp.get("/task/<id>")
def get_task(id: str) -> Response:
    """One open task."""
    return answer(_written(open_task(id)))


@bp.post("/task/<id>/claim")
def claim_task(id: str) -> Response:
    """Take a task that nobody has."""
    acting().execute(user_tasks.claim, open_task(id).key, body().required_text("userId"))
    return done()


@bp.post("/task/<id>/unclaim")
def unclaim_task(id: str) -> Response:
    """Give a task back."""
    acting().execute(user_tasks.unclaim, open_task(id).key)
    return done()


@bp.post("/task/<id>/assignee")
def assign_task(id: str) -> Response:
    """Give a task to somebody, or with null to nobody."""
    found, user = open_task(id), body().text("userId")
    if user is None:
        acting().execute(user_tasks.unclaim, found.key)
    else:
        acting().execute(user_tasks.assign, found.key, user)
    return done()


@bp.post("/task/<id>/complete")
def complete_task(id: str) -> Response:
    """Finish a task; with `withVariablesInReturn` the answer has the variables of its instance."""
    asked = body()
    found = open_task(id)
    acting().execute(user_tasks.complete, found.key, values.read_all(asked))
    if asked.flag("withVariablesInReturn"):
        return answer(instances.variables(found.instance_key))
    return done()


def open_task(id: str) -> FoundUserTask:
    """A task that is still to be done, or was done by this very request before. Raises NotFound."""
    found = one(engine(), USER_TASKS, formats.key(id))
    if found is None or (found.state != UserTaskState.CREATED and not requests.repeats()):
        raise NotFound(f"Expected to find an open task with id {id}, but there is none.")
    return found

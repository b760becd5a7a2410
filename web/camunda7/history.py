"""The history: process instances, activities, variables, user tasks and incidents, over or not."""

from __future__ import annotations

from typing import Any

from flask import Response

from engine.errors import NotFound
from engine.queries.criteria import Criterion, one
from engine.queries.searches import (
    ELEMENTS,
    INCIDENTS,
    INSTANCES,
    USER_TASKS,
    VARIABLES,
    FoundElement,
    FoundIncident,
    FoundInstance,
    FoundUserTask,
    FoundVariable,
)
from engine.states import ElementState, IncidentState, InstanceState, UserTaskState
from web.camunda7 import activities, formats, incidents, instances, known, values, variables
from web.camunda7.blueprint import answer, bp, engine
from web.camunda7.listing import Kind, ReadCriteria, as_text, as_texts, serve
from web.camunda7.parameters import (
    TENANTS,
    after,
    any_key_of,
    any_of,
    before,
    definition,
    field,
    key,
    like,
    only_if,
)

INTERNALLY, EXTERNALLY = "INTERNALLY_TERMINATED", "EXTERNALLY_TERMINATED"
NO_CASE = {"caseInstanceId": None}


def _state_of(found: FoundInstance) -> str:
    if found.standing != InstanceState.TERMINATED:
        return found.standing
    # Whoever was called can only be ended by its caller.
    return EXTERNALLY if found.parent_key is None else INTERNALLY


def _instance(found: FoundInstance) -> dict[str, Any]:
    state = _state_of(found)
    return {
        "id": formats.id(found.key), "businessKey": found.business_id,
        "processDefinitionId": formats.definition_id(found.process_id, found.version, found.definition_key),
        "processDefinitionKey": found.process_id, "processDefinitionName": found.process_name,
        "processDefinitionVersion": found.version, "startTime": formats.date(found.started_at),
        "endTime": formats.date(found.ended_at), "removalTime": None,
        "durationInMillis": formats.milliseconds(found.started_at, found.ended_at), "startUserId": None,
        "startActivityId": None, "deleteReason": found.end_reason if state in (INTERNALLY, EXTERNALLY) else None,
        "rootProcessInstanceId": formats.id(found.root_key),
        "superProcessInstanceId": formats.id(found.parent_key), "superCaseInstanceId": None, **NO_CASE,
        "tenantId": formats.tenant(found.tenant_id), "state": state, "restartedProcessInstanceId": None,
    }


def _terminated(*more: Criterion) -> ReadCriteria:
    """A flag that limits the list to instances that were terminated."""
    flag = only_if("state", "eq", InstanceState.TERMINATED.value)
    return lambda value, where: [*criteria, *more] if (criteria := flag(value, where)) else []


def _unfinished_with_incident(value: Any, where: str) -> list[Criterion]:
    """`incidentStatus` open: instances that cannot go on somewhere."""
    if as_text(value, where) != "open":
        return [Criterion("key", "in", [])]
    return [Criterion("incident_count", "gt", 0)]


PAST_INSTANCES = Kind(
    what=INSTANCES, write=_instance,
    parameters=instances.COMMON | {
        "processInstanceIdIn": any_key_of("key"), "processInstanceBusinessKeyIn": any_of("business_id"),
        "processDefinitionName": field("process_name"), "processDefinitionNameLike": like("process_name"),
        "finished": only_if("ended_at", "exists", True), "unfinished": only_if("ended_at", "exists", False),
        "completed": only_if("state", "eq", InstanceState.COMPLETED.value),
        "externallyTerminated": _terminated(Criterion("parent_key", "exists", False)),
        "internallyTerminated": _terminated(Criterion("parent_key", "exists", True)),
        "startedBefore": before("started_at"), "startedAfter": after("started_at"),
        "finishedBefore": before("ended_at"), "finishedAfter": after("ended_at"),
        "incidentStatus": _unfinished_with_incident, "executedActivityIdIn": instances.at_elements(),
        "activeActivityIdIn": instances.at_elements(ElementState.ACTIVE.value),
        "rootProcessInstanceId": key("root_key"),
    },
    sorts={"instanceId": "key", "definitionId": "definition_key", "definitionKey": "process_id",
           "definitionName": "process_name", "definitionVersion": "version", "businessKey": "business_id",
           "startTime": "started_at", "endTime": "ended_at", "tenantId": "tenant_id"},
    ignored=frozenset({"variableNamesIgnoreCase", "variableValuesIgnoreCase"}),
)


def _activity(found: FoundElement) -> dict[str, Any]:
    element = known.element(found.definition_key, found.element_id)
    return {
        "id": formats.id(found.key), "parentActivityInstanceId": formats.id(found.scope_key),
        "activityId": activities.activity_id(found), "activityName": element.name if element else None,
        "activityType": activities.type_of(found.type, element), "processDefinitionKey": found.process_id,
        "processDefinitionId": known.definition_id(found.definition_key),
        "processInstanceId": formats.id(found.instance_key), "executionId": formats.id(found.key), "taskId": None,
        "calledProcessInstanceId": None, "calledCaseInstanceId": None, "assignee": None,
        "startTime": formats.date(found.started_at), "endTime": formats.date(found.ended_at),
        "durationInMillis": formats.milliseconds(found.started_at, found.ended_at),
        "canceled": found.state == ElementState.TERMINATED, "completeScope": False,
        "tenantId": formats.tenant(found.tenant_id), "removalTime": None,
        "rootProcessInstanceId": formats.id(found.root_key),
    }


PAST_ACTIVITIES = Kind(
    what=ELEMENTS, write=_activity,
    parameters={
        "activityInstanceId": key("key"), "processInstanceId": key("instance_key"),
        "processInstanceIdIn": any_key_of("instance_key"), "processDefinitionId": definition(),
        "processDefinitionKey": field("process_id"), "executionId": key("key"), "activityId": field("element_id"),
        "activityIdIn": any_of("element_id"), "startedBefore": before("started_at"),
        "startedAfter": after("started_at"), "finishedBefore": before("ended_at"), "finishedAfter": after("ended_at"),
        "finished": only_if("ended_at", "exists", True), "unfinished": only_if("ended_at", "exists", False),
        "canceled": only_if("state", "eq", ElementState.TERMINATED.value),
        "completed": only_if("state", "eq", ElementState.COMPLETED.value), **TENANTS,
    },
    sorts={"activityInstanceId": "key", "instanceId": "instance_key", "executionId": "key",
           "activityId": "element_id", "activityType": "type", "startTime": "started_at", "endTime": "ended_at",
           "definitionId": "definition_key", "occurrence": "position", "tenantId": "tenant_id"},
)


def _variable(found: FoundVariable) -> dict[str, Any]:
    process = known.definition(found.definition_key)
    return values.written(found.value, found.declared) | {
        "id": formats.id(found.key), "name": found.name, "processDefinitionKey": process.process_id,
        "processDefinitionId": known.definition_id(found.definition_key),
        "processInstanceId": formats.id(found.instance_key), "executionId": formats.id(found.scope_key),
        "activityInstanceId": formats.id(found.scope_key), **NO_CASE, "caseDefinitionKey": None,
        "caseDefinitionId": None, "caseExecutionId": None, "taskId": None, "errorMessage": None,
        "tenantId": formats.tenant(found.tenant_id), "state": "DELETED" if found.ended else "CREATED",
        "createTime": formats.date(found.changed_at), "removalTime": None,
        "rootProcessInstanceId": formats.id(found.root_key),
    }


PAST_VARIABLES = Kind(
    what=VARIABLES, write=_variable,
    parameters={
        "variableName": field("name"), "variableNameLike": like("name"), "variableNameIn": any_of("name"),
        "processInstanceId": key("instance_key"), "processInstanceIdIn": any_key_of("instance_key"),
        "processDefinitionId": definition(), "processDefinitionKey": field("process_id"),
        "executionIdIn": any_key_of("scope_key"), "activityInstanceIdIn": any_key_of("scope_key"), **TENANTS,
    },
    sorts={"instanceId": "instance_key", "variableName": "name", "tenantId": "tenant_id"},
    ignored=frozenset({"includeDeleted"}),
)


def _incident(found: FoundIncident) -> dict[str, Any]:
    open_still = found.state == IncidentState.ACTIVE
    own = formats.id(found.key)
    return {
        "id": own, "processDefinitionKey": found.process_id,
        "processDefinitionId": known.definition_id(found.definition_key),
        "processInstanceId": formats.id(found.instance_key), "executionId": formats.id(found.element_instance_key),
        "rootProcessInstanceId": formats.id(found.root_key), "createTime": formats.date(found.created_at),
        "endTime": formats.date(found.resolved_at), "removalTime": None, "incidentType": incidents.type_of(found),
        "activityId": found.element_id, "failedActivityId": found.element_id, "causeIncidentId": own,
        "rootCauseIncidentId": own, "configuration": incidents.configuration_of(found), "historyConfiguration": None,
        "incidentMessage": found.message, "tenantId": formats.tenant(found.tenant_id), "jobDefinitionId": None,
        "open": open_still, "deleted": False, "resolved": not open_still, "annotation": None,
    }


PAST_INCIDENTS = Kind(
    what=INCIDENTS, write=_incident, sorts=incidents.SORTS,
    parameters=incidents.PARAMETERS | {
        "open": only_if("state", "eq", IncidentState.ACTIVE.value),
        "resolved": only_if("state", "eq", IncidentState.RESOLVED.value), "deleted": only_if("key", "in", []),
        "createTimeBefore": before("created_at"), "createTimeAfter": after("created_at"),
        "endTimeBefore": before("resolved_at"), "endTimeAfter": after("resolved_at"),
    },
)


def _task(found: FoundUserTask) -> dict[str, Any]:
    element = known.element(found.definition_key, found.element_id)
    activity = formats.id(found.element_instance_key)
    reason = {UserTaskState.COMPLETED.value: "completed", UserTaskState.CANCELED.value: "deleted"}.get(found.state)
    return {
        "id": formats.id(found.key), "processDefinitionKey": found.process_id,
        "processDefinitionId": formats.definition_id(found.process_id, found.version, found.definition_key),
        "processInstanceId": formats.id(found.instance_key), "executionId": activity, **NO_CASE,
        "caseDefinitionKey": None, "caseDefinitionId": None, "caseExecutionId": None, "activityInstanceId": activity,
        "name": found.name, "description": found.description or (element.documentation if element else None),
        "deleteReason": reason, "owner": found.owner, "assignee": found.assignee,
        "startTime": formats.date(found.created_at),
        "endTime": formats.date(found.ended_at),
        "duration": formats.milliseconds(found.created_at, found.ended_at), "taskDefinitionKey": found.element_id,
        "priority": found.priority, "due": formats.date(found.due_at), "parentTaskId": None,
        "followUp": formats.date(found.follow_up_at), "tenantId": formats.tenant(found.tenant_id),
        "removalTime": None, "rootProcessInstanceId": formats.id(found.root_key),
    }


def _of_state(value: Any, where: str) -> list[Criterion]:
    """`taskDeleteReason`: how a task ended."""
    states = {"completed": UserTaskState.COMPLETED.value, "deleted": UserTaskState.CANCELED.value}
    return [Criterion("state", "in", [states[each] for each in as_texts(value, where) if each in states])]


PAST_TASKS = Kind(
    what=USER_TASKS, write=_task,
    parameters={
        "taskId": key("key"), "processInstanceId": key("instance_key"), "processDefinitionId": definition(),
        "processInstanceBusinessKey": field("business_id"), "processDefinitionKey": field("process_id"),
        "taskDefinitionKey": field("element_id"), "taskDefinitionKeyIn": any_of("element_id"),
        "taskName": field("name"), "taskNameLike": like("name"), "taskAssignee": field("assignee"),
        "taskAssigneeLike": like("assignee"), "taskOwner": field("owner"), "taskOwnerLike": like("owner"),
        "assigned": only_if("assignee", "exists", True),
        "unassigned": only_if("assignee", "exists", False), "taskDeleteReason": _of_state,
        "finished": only_if("ended_at", "exists", True), "unfinished": only_if("ended_at", "exists", False),
        "startedBefore": before("created_at"), "startedAfter": after("created_at"),
        "finishedBefore": before("ended_at"), "finishedAfter": after("ended_at"),
        "activityInstanceIdIn": any_key_of("element_instance_key"), **TENANTS,
    },
    sorts={"taskId": "key", "processInstanceId": "instance_key", "definitionId": "definition_key",
           "startTime": "created_at", "endTime": "ended_at", "assignee": "assignee", "taskName": "name",
           "dueDate": "due_at", "priority": "priority", "tenantId": "tenant_id"},
)


serve("/history/process-instance", PAST_INSTANCES)
serve("/history/activity-instance", PAST_ACTIVITIES)
serve("/history/variable-instance", PAST_VARIABLES)
serve("/history/incident", PAST_INCIDENTS)
serve("/history/task", PAST_TASKS)


@bp.get("/history/activity-instance/<id>")
def get_past_activity(id: str) -> Response:
    """One activity, over or not."""
    found = one(engine(), ELEMENTS, formats.key(id))
    if found is None:
        raise NotFound(f"Expected to find a historic activity instance with id {id}, but there is none.")
    return answer(_activity(found))


@bp.get("/history/variable-instance/<id>")
def get_past_variable(id: str) -> Response:
    """One variable of an instance, over or not."""
    return answer(_variable(_past_variable(id)))


@bp.get("/history/variable-instance/<id>/data")
def get_past_variable_data(id: str) -> Response:
    """What one variable is made of."""
    return variables.data_of(_past_variable(id))


def _past_variable(id: str) -> FoundVariable:
    found = one(engine(), VARIABLES, formats.key(id))
    if found is None:
        raise NotFound(f"Expected to find a historic variable instance with id {id}, but there is none.")
    return found


@bp.get("/history/process-instance/<id>")
def get_past_instance(id: str) -> Response:
    """One instance, over or not."""
    return answer(_instance(instances.found(formats.key(id))))

"""The user operation log: what the audit trail knows, in Camunda 7's words.

Source: Camunda 7 manual, "User operation log", glossary of operations.
"""

from __future__ import annotations

from typing import Any

from engine.columns import to_json
from engine.queries.audit import AUDIT
from engine.queries.criteria import Criterion
from engine.queries.things import AuditRow
from web.camunda7 import formats
from web.camunda7.listing import Kind, as_texts, serve
from web.camunda7.parameters import after, before, field, key

ENTITIES = {
    "INSTANCE": "ProcessInstance", "USER_TASK": "Task", "JOB": "ExternalTask", "INCIDENT": "Incident",
    "DEPLOYMENT": "Deployment", "DECISION": "DecisionDefinition", "MESSAGE": "ProcessInstance",
    "SIGNAL": "ProcessInstance",
}
OPERATIONS = {
    ("INSTANCE", "START"): "Create", ("INSTANCE", "CANCEL"): "Delete", ("INSTANCE", "SUSPEND"): "Suspend",
    ("INSTANCE", "RESUME"): "Activate", ("INSTANCE", "SET_VARIABLES"): "SetVariable",
    ("INSTANCE", "REMOVE_VARIABLES"): "RemoveVariable", ("INSTANCE", "MODIFY"): "ModifyProcessInstance",
    ("INSTANCE", "MIGRATE"): "Migrate",
    ("USER_TASK", "CLAIM"): "Claim", ("USER_TASK", "ASSIGN"): "Assign", ("USER_TASK", "UNCLAIM"): "Assign",
    ("USER_TASK", "COMPLETE"): "Complete", ("USER_TASK", "CHANGE"): "Update",
    ("JOB", "SET_RETRIES"): "SetExternalTaskRetries", ("JOB", "SET_PRIORITY"): "SetPriority",
    ("JOB", "UNLOCK"): "Unlock", ("JOB", "LOCK"): "Lock", ("INCIDENT", "RESOLVE"): "Resolve",
    ("DEPLOYMENT", "DEPLOY"): "Create", ("DECISION", "EVALUATE"): "Evaluate", ("MESSAGE", "CORRELATE"): "Correlate",
    ("MESSAGE", "PUBLISH"): "Correlate", ("SIGNAL", "BROADCAST"): "SignalBroadcast",
}
TASK_WORKER, OPERATOR = "TaskWorker", "Operator"


def operation_of(entity: str, operation: str) -> str:
    """The word for an act; what has none there is written as the others are."""
    known = OPERATIONS.get((entity, operation))
    return known or "".join(word.capitalize() for word in operation.split("_"))


def _written(found: AuditRow) -> dict[str, Any]:
    of_task = found.entity == "USER_TASK"
    return {
        "id": formats.id(found.key), "deploymentId": _id_if(found, "DEPLOYMENT"), "processDefinitionId": None,
        "processDefinitionKey": None, "processInstanceId": formats.id(found.instance_key), "executionId": None,
        "caseDefinitionId": None, "caseInstanceId": None, "caseExecutionId": None,
        "taskId": _id_if(found, "USER_TASK"), "externalTaskId": _id_if(found, "JOB"), "jobId": None,
        "jobDefinitionId": None, "batchId": None, "userId": found.actor, "timestamp": formats.date(found.at),
        "operationId": formats.id(found.key), "operationType": operation_of(found.entity, found.operation),
        "entityType": ENTITIES.get(found.entity, found.entity.capitalize()),
        "category": TASK_WORKER if of_task else OPERATOR, "annotation": found.reason, "property": None,
        "orgValue": _value(found.before), "newValue": _value(found.details if found.after is None else found.after),
        "removalTime": None,
        "rootProcessInstanceId": None, "tenantId": None,
    }


def _value(what: Any) -> str | None:
    return None if what is None else to_json(what)


def _id_if(found: AuditRow, entity: str) -> str | None:
    return formats.id(found.entity_key) if found.entity == entity else None


def _of_operation(value: Any, where: str) -> list[Criterion]:
    wanted = as_texts(value, where)
    return [Criterion("operation", "in", [ours for (_, ours), theirs in OPERATIONS.items() if theirs in wanted])]


def _of_entity(value: Any, where: str) -> list[Criterion]:
    wanted = as_texts(value, where)
    return [Criterion("entity", "in", [ours for ours, theirs in ENTITIES.items() if theirs in wanted])]


def _of_category(value: Any, where: str) -> list[Criterion]:
    wanted = as_texts(value, where)
    limits = {TASK_WORKER: Criterion("entity", "eq", "USER_TASK"), OPERATOR: Criterion("entity", "neq", "USER_TASK")}
    found = [limit for category, limit in limits.items() if category in wanted]
    return found if len(found) == 1 else [] if found else [Criterion("key", "in", [])]


def _about(entity: str) -> Any:
    """The id of a thing of one kind."""
    return lambda value, where: [Criterion("entity", "eq", entity), *key("entity_key")(value, where)]


KIND = Kind(
    what=AUDIT, write=_written,
    parameters={
        "processInstanceId": key("instance_key"), "deploymentId": _about("DEPLOYMENT"), "taskId": _about("USER_TASK"),
        "externalTaskId": _about("JOB"), "userId": field("actor"), "operationId": key("key"),
        "operationType": _of_operation, "entityType": _of_entity, "entityTypeIn": _of_entity,
        "category": _of_category, "categoryIn": _of_category, "afterTimestamp": after("at"),
        "beforeTimestamp": before("at"),
    },
    sorts={"timestamp": "at"},
)

serve("/history/user-operation", KIND, by_post=False)

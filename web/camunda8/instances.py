"""Process instances: started, found, cancelled. Camunda Modeler's Run button and task testing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Response

from engine import instances
from engine.errors import InvalidInput, NotFound
from engine.incidents import open_of
from engine.instances import Started
from engine.operations import at_once
from engine.queries import instance
from engine.queries.criteria import Criterion, Search, one, search
from engine.queries.searches import DEFINITIONS, INSTANCES, FoundInstance
from engine.transaction import Transaction
from web.auth.roles import Permission
from web.body import LARGEST_NUMBER, Body, body, key_of
from web.camunda8 import completion, elements, formats, incidents
from web.camunda8.blueprint import acting, answer, bp, done, engine
from web.camunda8.filters import has_variables, listed
from web.camunda8.searching import Field, Kind, ReadCriteria, as_date, as_flag, as_key, as_number
from web.camunda8.tenants import check_same, the_tenant

NEWEST = -1
"""The version that clients send when they mean the newest."""
TERMINATE = "TERMINATE_PROCESS_INSTANCE"
CANCELLED = "Cancelled through the REST interface."


def _written(found: FoundInstance) -> dict[str, Any]:
    return {
        "processDefinitionId": found.process_id, "processDefinitionName": found.process_name,
        "processDefinitionVersion": found.version, "processDefinitionVersionTag": found.version_tag,
        "startDate": formats.date(found.started_at), "endDate": formats.date(found.ended_at), "state": found.standing,
        "suspendedDate": formats.date(found.suspended_at), "hasIncident": found.has_incident,
        "tenantId": found.tenant_id, "processInstanceKey": formats.key(found.key),
        "processDefinitionKey": formats.key(found.definition_key),
        "parentProcessInstanceKey": formats.key(found.parent_key),
        "parentElementInstanceKey": formats.key(found.parent_element_instance_key),
        "rootProcessInstanceKey": formats.key(found.root_key), "tags": found.tags or [],
        "businessId": found.business_id,
    }


def _of_element(name: str) -> ReadCriteria:
    """A field about the elements of an instance."""
    known = elements.KIND.fields[name]

    def read(value: Any, where: str) -> list[Criterion]:
        return [Criterion("element", "has", known.criteria(value, where))]
    return read


class Instances(Kind):
    """Filters of instances may describe an element: all they say of it is said of the same one."""

    def criteria(self, filter: Body) -> list[Criterion]:
        found = Kind.criteria(self, filter)
        of_element = [part for each in found if each.field == "element" for part in each.value]
        others = [each for each in found if each.field != "element"]
        return [*others, Criterion("element", "has", of_element)] if of_element else others


KIND = Instances(
    what=INSTANCES, write=_written, noun="a process instance", key="processInstanceKey",
    fields={
        "processDefinitionId": Field("process_id"), "processDefinitionName": Field("process_name"),
        "processDefinitionVersion": Field("version", as_number), "processDefinitionVersionTag": Field("version_tag"),
        "processDefinitionKey": Field("definition_key", as_key), "startDate": Field("started_at", as_date),
        "endDate": Field("ended_at", as_date), "state": Field("standing"),
        "hasIncident": Field("has_incident", as_flag), "suspendedDate": Field("suspended_at", as_date),
        "tenantId": Field("tenant_id"), "processInstanceKey": Field("key", as_key),
        "parentProcessInstanceKey": Field("parent_key", as_key),
        "parentElementInstanceKey": Field("parent_element_instance_key", as_key),
        "businessId": Field("business_id"),
    },
    special={
        "tags": listed("tags"), "variables": has_variables("variable"), "errorMessage": Field("error").criteria,
        "hasRetriesLeft": Field("retrying", as_flag).criteria, "elementId": _of_element("elementId"),
        "elementInstanceState": _of_element("state"), "hasElementInstanceIncident": _of_element("hasIncident"),
    },
)


@bp.post("/process-instances")
def start() -> Response:
    """Start an instance; with `awaitCompletion`, answer when it has ended, with its variables."""
    asked = body()
    named = asked.text("tenantId")
    tenant_id = the_tenant(named, Permission.START)
    by_key = _definition_key(asked, tenant_id)
    tags = asked.texts("tags")
    business_id = asked.text("businessId") or None
    waiting = completion.Waiting(engine(), asked)
    made, variables = waiting.after(lambda: acting().execute(
        _start, named, None if by_key is not None else asked.required_text("processDefinitionId"),
        definition_key=by_key, version=_version(asked), variables=asked.mapping("variables"),
        elements=[each.required_text("elementId") for each in asked.inners("startInstructions")],
        terminate_after=_terminate_after(asked), business_id=business_id, tags=tags, tenant_id=tenant_id,
    ))
    return answer({
        "processDefinitionId": made.process_id, "processDefinitionVersion": made.version,
        "tenantId": made.tenant_id, "variables": variables, "processDefinitionKey": formats.key(made.definition_key),
        "processInstanceKey": formats.key(made.key), "tags": tags or [], "businessId": business_id,
    })


def _start(tx: Transaction, /, named: str | None, process_id: str | None, *, definition_key: int | None,
           **more: Any) -> Started:
    made = instances.start(tx, process_id, definition_key=definition_key, **more)
    if definition_key is not None:
        check_same(named, made.tenant_id, "a process definition", definition_key)
    return made


def _definition_key(asked: Body, tenant_id: str) -> int | None:
    """The definition that is given by its key or its version tag; None if it is given by its version."""
    tag = asked.text("processDefinitionVersionTag")
    if tag is None:
        return asked.key("processDefinitionKey")
    process_id = asked.required_text("processDefinitionId")
    tagged = search(engine(), DEFINITIONS, Search(
        criteria=[Criterion("process_id", "eq", process_id), Criterion("version_tag", "eq", tag),
                  Criterion("tenant_id", "eq", tenant_id)],
        sort=[("version", True)], limit=1,
    )).items
    if not tagged:
        raise NotFound(f"Expected process {process_id!r} to be deployed with the version tag {tag!r}, but it is not.")
    return tagged[0].key


def _version(asked: Body) -> int | None:
    version = asked.integer("processDefinitionVersion", NEWEST, LARGEST_NUMBER)
    return None if version == NEWEST else version


def _terminate_after(asked: Body) -> Sequence[str]:
    after = []
    for each in asked.inners("runtimeInstructions"):
        if (each.text("type") or TERMINATE) != TERMINATE:
            raise InvalidInput(f"Expected the runtime instruction {TERMINATE}, but found {each.text('type')!r}.")
        after.append(each.required_text("afterElementId"))
    return after


@bp.post("/process-instances/search")
def search_instances() -> Response:
    """Process instances that fit."""
    return KIND.search()


@bp.get("/process-instances/<key>")
def get_instance(key: str) -> Response:
    """One process instance."""
    return KIND.get(key)


@bp.post("/process-instances/<key>/cancellation")
def cancel(key: str) -> Response:
    """Cancel an instance and all that it called."""
    body()
    at_once.act(acting(), "CANCEL", {}, key_of(key, "processInstanceKey"), CANCELLED, consent=True)
    return done()


@bp.post("/process-instances/<key>/incidents/search")
def search_incidents_of_instance(key: str) -> Response:
    """Incidents of an instance and of all that it called."""
    return incidents.KIND.search(Criterion("tree", "eq", KIND.found(key).key))


@bp.post("/process-instances/<key>/incident-resolution")
def resolve_incidents(key: str) -> Response:
    """Resolve every open incident of an instance, each in a transaction of its own."""
    number = KIND.found(key).key
    batch, *open_ones = acting().execute(_incidents_of, number)
    for incident in open_ones:
        incidents.resolve(incident, number)
    return answer({"batchOperationKey": formats.key(batch), "batchOperationType": "RESOLVE_INCIDENT"})


def _incidents_of(tx: Transaction, key: int) -> list[int]:
    """A key for what is done to the open incidents of an instance, and theirs. A command, so that a repeated request
    goes through the same ones."""
    return [tx.key(), *open_of(tx, key)]


@bp.get("/process-instances/<key>/call-hierarchy")
def call_hierarchy(key: str) -> Response:
    """The instances that called each other down to this one, the outermost first."""
    chain = [KIND.found(key)]
    while (parent := chain[-1].parent_key) is not None and (caller := one(engine(), INSTANCES, parent)) is not None:
        chain.append(caller)
    return answer([
        {"processInstanceKey": formats.key(found.key), "processDefinitionKey": formats.key(found.definition_key),
         "processDefinitionName": found.process_name or found.process_id}
        for found in reversed(chain)
    ])


@bp.get("/process-instances/<key>/statistics/element-instances")
def element_statistics(key: str) -> Response:
    """How often each element of an instance was active, completed and canceled."""
    counts = instance.element_statistics(engine(), KIND.found(key).key)
    return answer({"items": [
        {"elementId": count.element_id, "active": count.active, "canceled": count.terminated,
         "incidents": count.incidents, "completed": count.completed}
        for count in counts
    ]})


@bp.get("/process-instances/<key>/sequence-flows")
def sequence_flows(key: str) -> Response:
    """The sequence flows that an instance took."""
    found = KIND.found(key)
    return answer({"items": [
        {"sequenceFlowId": f"{found.key}_{flow}", "processInstanceKey": formats.key(found.key),
         "rootProcessInstanceKey": formats.key(found.root_key),
         "processDefinitionKey": formats.key(found.definition_key), "processDefinitionId": found.process_id,
         "elementId": flow, "tenantId": found.tenant_id}
        for flow in instance.flows(engine(), found.key)
    ]})

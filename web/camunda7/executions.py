"""Executions, which are tokens here, and what they wait for.

An instance is an execution, too: its id is accepted wherever that of an execution is.
"""

from __future__ import annotations

from typing import Any

from flask import Response

from engine import conditions, messages, requests
from engine.errors import NotFound
from engine.queries.criteria import Criterion, Search, one, search
from engine.queries.searches import ELEMENTS, SUBSCRIPTIONS, FoundElement, FoundSubscription
from engine.states import ElementState
from web.auth.roles import Permission
from web.body import body
from web.camunda7 import formats, instances, tenants, values
from web.camunda7.blueprint import acting, answer, bp, done, engine
from web.camunda7.listing import Asked, Kind, as_text, serve
from web.camunda7.parameters import TENANTS, any_of, definition, field, key
from web.camunda7.variables import serve_variables

EVENT_TYPES = {"MESSAGE": "message", "SIGNAL": "signal", "CONDITION": "conditional"}


def _execution(found: FoundElement) -> dict[str, Any]:
    return {"id": formats.id(found.key), "processInstanceId": formats.id(found.instance_key),
            "ended": found.state != ElementState.ACTIVE, "tenantId": formats.tenant(found.tenant_id)}


def _waiting(asked: Asked) -> list[Criterion]:
    """Those that wait for a message or signal of a name."""
    fields = {"messageEventSubscriptionName": "awaits_message", "signalEventSubscriptionName": "awaits_signal"}
    return [Criterion(field, "eq", as_text(asked.content[name], name)) for name, field in fields.items()
            if name in asked.content]


EXECUTIONS = Kind(
    what=ELEMENTS, write=_execution, always=[Criterion("state", "eq", ElementState.ACTIVE.value)], further=_waiting,
    parameters={
        "processInstanceId": key("instance_key"), "processDefinitionId": definition(),
        "processDefinitionKey": field("process_id"), "activityId": field("element_id"), **TENANTS,
    },
    sorts={"instanceId": "key", "definitionId": "definition_key", "definitionKey": "process_id",
           "tenantId": "tenant_id"},
    ignored=frozenset({"messageEventSubscriptionName", "signalEventSubscriptionName", "active"}),
)


serve("/execution", EXECUTIONS)


def _find(id: str) -> tuple[int, list[Criterion]]:
    """The scope of an execution, and its own variables."""
    token = one(engine(), ELEMENTS, formats.key(id))
    instance = instances.running(id).key if token is None else _running(token).instance_key
    scope = formats.key(id)
    return scope, [Criterion("instance_key", "eq", instance), Criterion("scope_key", "eq", scope)]


def _running(token: FoundElement) -> FoundElement:
    if token.state != ElementState.ACTIVE:
        raise NotFound(f"Expected execution {token.key} to be active, but it has ended.")
    return token


serve_variables("/execution/<id>/localVariables", _find, local=True)


@bp.get("/execution/<id>")
def get_execution(id: str) -> Response:
    """One execution."""
    token = one(engine(), ELEMENTS, formats.key(id))
    if token is not None:
        return answer(_execution(_running(token)))
    found = instances.running(id)
    return answer({"id": formats.id(found.key), "processInstanceId": formats.id(found.key), "ended": False,
                   "tenantId": formats.tenant(found.tenant_id)})


@bp.get("/execution/<id>/messageSubscriptions/<name>")
def get_message_subscription(id: str, name: str) -> Response:
    """What an execution waits for under the name of a message."""
    return answer(_event(_message_of(id, name)))


@bp.post("/execution/<id>/messageSubscriptions/<name>/trigger")
def trigger_message(id: str, name: str) -> Response:
    """Give an execution the message that it waits for."""
    if not requests.repeats():  # or it has got its message, and goes on
        waiting = _message_of(id, name)
        acting().execute(messages.correlate, name, instance_key=waiting.instance_key,
                         element_instance_key=waiting.element_instance_key, variables=values.read_all(body()))
    return done()


def _message_of(id: str, name: str) -> FoundSubscription:
    scope = _find(id)[0]
    about = Criterion("element_instance_key", "eq", scope)
    if one(engine(), ELEMENTS, scope) is None:
        about = Criterion("instance_key", "eq", scope)
    found = search(engine(), SUBSCRIPTIONS, Search(limit=1, criteria=[
        about, Criterion("kind", "eq", "MESSAGE"), Criterion("name", "eq", name)])).items
    if not found:
        raise NotFound(f"Expected execution {id} to wait for a message named {name!r}, but it does not.")
    return found[0]


def _event(found: FoundSubscription) -> dict[str, Any]:
    return {
        "id": formats.id(found.key), "eventType": EVENT_TYPES[found.kind],
        "eventName": None if found.kind == "CONDITION" else found.name,
        "executionId": formats.id(found.element_instance_key), "processInstanceId": formats.id(found.instance_key),
        "activityId": found.element_id, "createdDate": formats.date(found.created_at),
        "tenantId": formats.tenant(found.tenant_id),
    }


def _of_type(value: Any, where: str) -> list[Criterion]:
    wanted = as_text(value, where)
    return [Criterion("kind", "in", [ours for ours, theirs in EVENT_TYPES.items() if theirs == wanted])]


SUBSCRIBED = Kind(
    what=SUBSCRIPTIONS, write=_event,
    parameters={
        "eventSubscriptionId": key("key"), "eventName": field("name"), "eventType": _of_type,
        "executionId": key("element_instance_key"), "processInstanceId": key("instance_key"),
        "activityId": field("element_id"), "activityIdIn": any_of("element_id"), **TENANTS,
    },
    sorts={"created": "created_at", "tenantId": "tenant_id"},
    ignored=frozenset({"includeEventSubscriptionsWithoutTenantId"}),
)


serve("/event-subscription", SUBSCRIBED, by_post=False)


@bp.post("/condition")
def evaluate_conditions() -> Response:
    """Start an instance for every conditional start event that variables make true."""
    asked = body()
    definition_id = asked.text("processDefinitionId")
    started = acting().execute(
        conditions.evaluate, values.read_all(asked), business_id=asked.text("businessKey"),
        definition_key=None if definition_id is None else formats.definition_key(definition_id),
        tenant_id=tenants.of_body(asked, Permission.MESSAGE),
    )
    return answer([instances.get(key) for key in started])

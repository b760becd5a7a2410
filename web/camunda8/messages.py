"""Messages and signals sent from outside, and who waits for messages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Response

from bpmn.model import EventKind
from engine import messages, signals
from engine.errors import NotFound
from engine.messages import Published
from engine.queries.criteria import Criterion
from engine.queries.searches import SUBSCRIPTIONS, FoundSubscription
from engine.transaction import Transaction
from web.auth.roles import Permission
from web.body import body
from web.camunda8 import formats
from web.camunda8.blueprint import acting, answer, bp
from web.camunda8.searching import Field, Kind, as_date, as_key, as_number
from web.camunda8.tenants import the_tenant


@bp.post("/messages/publication")
def publish() -> Response:
    """Publish a message; it is kept for its time to live."""
    asked = body()
    tenant_id = the_tenant(asked.text("tenantId"), Permission.MESSAGE)
    made = acting().execute(
        messages.publish, asked.required_text("name"), asked.text("correlationKey") or None,
        asked.mapping("variables"), time_to_live=asked.milliseconds("timeToLive") or timedelta(),
        message_id=asked.text("messageId") or None, tenant_id=tenant_id,
    )
    return answer({"tenantId": tenant_id, "messageKey": formats.key(made.key)})


@bp.post("/messages/correlation")
def correlate() -> Response:
    """Give a message to whoever waits for it right now; 404 if nobody does."""
    asked = body()
    tenant_id = the_tenant(asked.text("tenantId"), Permission.MESSAGE)
    made = acting().execute(
        _correlate, asked.required_text("name"), asked.text("correlationKey") or None, asked.mapping("variables"),
        tenant_id,
    )
    return answer({
        "tenantId": tenant_id, "messageKey": formats.key(made.key),
        "processInstanceKey": formats.key(made.instance_keys[0]),
    })


def _correlate(tx: Transaction, name: str, correlation_key: str | None, variables: dict[str, Any],
               tenant_id: str) -> Published:
    made = messages.publish(tx, name, correlation_key, variables, tenant_id=tenant_id)
    if not made.instance_keys:
        raise NotFound(f"Expected somebody to wait for the message {name!r} with correlation key "
                       f"{correlation_key or ''!r}, but nobody does.")
    return made


@bp.post("/signals/broadcast")
def broadcast() -> Response:
    """Broadcast a signal."""
    asked = body()
    tenant_id = the_tenant(asked.text("tenantId"), Permission.MESSAGE)
    key = acting().execute(_broadcast, asked.required_text("signalName"), asked.mapping("variables"), tenant_id)
    return answer({"tenantId": tenant_id, "signalKey": formats.key(key)})


def _broadcast(tx: Transaction, name: str, variables: dict[str, Any], tenant_id: str) -> int:
    signals.broadcast(tx, name, variables, tenant_id=tenant_id)
    return tx.key()


def _written(found: FoundSubscription) -> dict[str, Any]:
    return {
        "businessId": found.business_id, "messageSubscriptionKey": formats.key(found.key),
        "processDefinitionId": found.process_id, "processDefinitionKey": formats.key(found.definition_key),
        "processInstanceKey": formats.key(found.instance_key), "rootProcessInstanceKey": formats.key(found.root_key),
        "elementId": found.element_id, "elementInstanceKey": formats.key(found.element_instance_key),
        # A subscription that got its message is gone.
        "messageSubscriptionState": "CREATED", "lastUpdatedDate": formats.date(found.created_at),
        "messageName": found.name, "correlationKey": found.correlation_key,
        "messageSubscriptionType": "START_EVENT" if found.instance_key is None else "PROCESS_EVENT",
        "toolProperties": {}, "processDefinitionName": found.process_name, "processDefinitionVersion": found.version,
        "toolName": None, "inboundConnectorType": None, "tenantId": found.tenant_id,
    }


_is_created = Field("kind", words={"CREATED": [EventKind.MESSAGE.value]})
_is_of_type = Field("is_start", words={"START_EVENT": [True], "PROCESS_EVENT": [False]})

KIND = Kind(
    what=SUBSCRIPTIONS, write=_written, noun="a message subscription", key="messageSubscriptionKey",
    fields={
        "businessId": Field("business_id"), "messageSubscriptionKey": Field("key", as_key),
        "processDefinitionKey": Field("definition_key", as_key), "processDefinitionId": Field("process_id"),
        "processInstanceKey": Field("instance_key", as_key), "elementId": Field("element_id"),
        "elementInstanceKey": Field("element_instance_key", as_key), "messageSubscriptionState": _is_created,
        "lastUpdatedDate": Field("created_at", as_date), "messageName": Field("name"),
        "correlationKey": Field("correlation_key"), "tenantId": Field("tenant_id"),
        "messageSubscriptionType": _is_of_type, "processDefinitionName": Field("process_name"),
        "processDefinitionVersion": Field("version", as_number),
    },
)


@bp.post("/message-subscriptions/search")
def search_subscriptions() -> Response:
    """Open message subscriptions that fit, those of start events included."""
    return KIND.search(Criterion("kind", "eq", EventKind.MESSAGE.value))

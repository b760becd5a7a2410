"""Messages, correlated to whoever waits for them right now, and signals."""

from __future__ import annotations

from typing import Any

from flask import Response

from engine import messages, signals
from engine.errors import Conflict, InvalidInput, NotFound
from engine.messages import Correlated
from web import masking
from web.auth.roles import Permission
from web.body import body
from web.camunda7 import formats, instances, tenants, values
from web.camunda7.blueprint import acting, answer, bp, done, refusal


@bp.post("/message")
def correlate() -> Response:
    """Give a message to the instance that waits for it, or start one with it; 400 unless exactly one fits."""
    asked = body()
    tenant_id = tenants.of_body(asked, Permission.MESSAGE)
    for name in ("localCorrelationKeys", "processVariablesLocal"):
        if asked.mapping(name):
            raise InvalidInput(f"Expected no '{name}', because messages are correlated by the variables of the whole "
                               "instance, but found some.")
    instance_id = asked.text("processInstanceId")
    everybody = asked.flag("all") or False
    match, process_id = values.read_all(asked, "correlationKeys"), None
    try:
        if instance_id is not None:
            named = instances.found(formats.key(instance_id))
            process_id = named.process_id
            if not asked.text("tenantId") and not asked.flag("withoutTenantId"):
                # The instance says it.
                tenant_id = named.tenant_id
        by_hidden = masking.expect_to_find_by(match, tenant_id, process_id)
        reached = acting().execute(
            messages.correlate, asked.required_text("messageName"), business_id=asked.text("businessKey"),
            instance_key=None if instance_id is None else formats.key(instance_id),
            match=match, by_hidden=by_hidden, variables=values.read_all(asked, "processVariables"),
            all=everybody, tenant_id=tenant_id,
        )
    except (NotFound, Conflict) as error:
        return refusal(400, "RestException", f"Cannot correlate message. {error}")
    if not asked.flag("resultEnabled"):
        return done()
    with_variables = asked.flag("variablesInResultEnabled") or False
    return answer([_written(each, with_variables=with_variables) for each in reached])


def _written(reached: Correlated, *, with_variables: bool) -> dict[str, Any]:
    written: dict[str, Any] = {"resultType": "ProcessDefinition", "execution": None, "processInstance": None}
    found = instances.found(reached.instance_key)
    if reached.started:
        written["processInstance"] = instances.get(reached.instance_key)
    else:
        written["resultType"] = "Execution"
        written["execution"] = {
            "id": formats.id(reached.element_instance_key or reached.instance_key),
            "processInstanceId": formats.id(reached.instance_key), "ended": found.ended_at is not None,
            "tenantId": formats.tenant(found.tenant_id),
        }
    if with_variables:
        masking.for_answer(found.process_id, found.tenant_id)
        written["variables"] = instances.variables(reached.instance_key)
    return written


@bp.post("/signal")
def broadcast() -> Response:
    """Broadcast a signal."""
    asked = body()
    tenant_id = tenants.of_body(asked, Permission.MESSAGE)
    if asked.text("executionId"):
        raise InvalidInput("Expected a signal for everybody who waits for it, but found an 'executionId'.")
    acting().execute(signals.broadcast, asked.required_text("name"), values.read_all(asked), tenant_id=tenant_id)
    return done()

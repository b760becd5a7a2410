"""Suspended process definitions: no new starts of a process, all its versions together, and its instances if wanted.

Source: Camunda 7 REST reference, "Activate/Suspend Process Definition By Id", "… By Key".
"""

from __future__ import annotations

from contextlib import suppress

from flask import Response

from engine import pausing
from engine.approvals import asking
from engine.errors import InvalidInput, WrongState
from engine.operations import at_once
from engine.queries.criteria import Criterion, Search, one, search_all
from engine.queries.searches import DEFINITIONS, INSTANCES, FoundDefinition
from engine.states import InstanceState
from web.body import Body, body
from web.camunda7 import definitions, formats
from web.camunda7.blueprint import acting, bp, done, engine

SUSPENDED, ACTIVATED = "Suspended through the REST interface.", "Activated through the REST interface."


@bp.put("/process-definition/<id>/suspended")
def suspend_definition(id: str) -> Response:
    """Pause the new starts of the process of a definition, or take them again."""
    definition = formats.definition_key(id)
    definitions.get(definition)
    return _set(definition, body(), by_id=True)


@bp.put("/process-definition/key/<process_id>/suspended")
@bp.put("/process-definition/key/<process_id>/tenant-id/<tenant_id>/suspended")
def suspend_process(process_id: str, tenant_id: str | None = None) -> Response:
    """Pause the new starts of a process, or take them again."""
    return _set(definitions.latest(process_id, tenant_id), body(), by_id=False)


@bp.put("/process-definition/suspended")
def suspend_any_definition() -> Response:
    """The same for the definition or the process that the body names."""
    asked = body()
    id, process_id = asked.text("processDefinitionId"), asked.text("processDefinitionKey")
    if (id is None) == (process_id is None):
        raise InvalidInput("Expected 'processDefinitionId' or 'processDefinitionKey', but found "
                           f"{'neither' if id is None else 'both'}.")
    key = formats.definition_key(id) if id is not None else definitions.latest(
        str(process_id), asked.text("processDefinitionTenantId"))
    definitions.get(key)
    return _set(key, asked, by_id=id is not None)


def _set(key: int, asked: Body, *, by_id: bool) -> Response:
    wanted = asked.flag("suspended")
    if wanted is None:
        raise InvalidInput("Expected 'suspended' to be true or false, but it is missing.")
    _expect_at_once(asked.text("executionDate"))
    found = one(engine(), DEFINITIONS, key)
    assert found is not None
    concerned = _instances(found, suspended=not wanted, by_id=by_id) if asked.flag("includeProcessInstances") else []
    asking.expect_one(engine().four_eyes, len(concerned))
    reason = SUSPENDED if wanted else ACTIVATED
    # Whoever asks for what is so already gets it.
    with suppress(WrongState):
        if wanted:
            acting().execute(pausing.pause, found.process_id, reason, tenant_id=found.tenant_id)
        else:
            pausing.resume(acting(), found.process_id, reason, tenant_id=found.tenant_id)
    for instance in concerned:
        # It may have ended meanwhile, or have followed its caller.
        with suppress(WrongState):
            at_once.act(acting(), "SUSPEND" if wanted else "RESUME", {}, instance, reason)
    return done()


def _expect_at_once(moment: str | None) -> None:
    """Raises InvalidInput for a moment that is still to come."""
    if moment is None:
        return
    at = formats.moment(moment, "executionDate")
    if at > engine().clock():
        raise InvalidInput("Expected 'executionDate' to be left out or to be over, but it is still to come: nothing is "
                           "suspended or activated later. Call again then.")


def _instances(found: FoundDefinition, *, suspended: bool, by_id: bool) -> list[int]:
    """The active instances of one version, or of all versions of its process, that nothing called."""
    criteria = [
        Criterion("definition_key", "eq", found.key) if by_id else Criterion("process_id", "eq", found.process_id),
        Criterion("tenant_id", "eq", found.tenant_id), Criterion("state", "eq", InstanceState.ACTIVE.value),
        Criterion("suspended_at", "exists", suspended),
    ]
    return [each.key for each in search_all(engine(), INSTANCES, Search(criteria=criteria, sort=[("key", False)]))]

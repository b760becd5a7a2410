"""Process instances: tokens moved within them, and they themselves to other versions."""

from __future__ import annotations

from typing import Any

import msgspec
from flask import Response

from bpmn.interpreter import Put, Take
from engine.errors import InvalidInput
from engine.operations import at_once
from engine.operations.modification import Move
from web.body import Body, body, key_of
from web.camunda8.blueprint import acting, bp, done
from web.camunda8.instances import KIND

MODIFIED, MIGRATED = "Modified through the REST interface.", "Migrated through the REST interface."
NO_ANCESTOR = -1
DIRECT, INFERRED, SOURCE_PARENT = "direct", "inferred", "sourceParent"


@bp.post("/process-instances/<key>/modification")
def modify(key: str) -> Response:
    """Activate, move and terminate elements of an instance."""
    asked, found = body(), KIND.found(key)
    puts = [Put(element=each.required_text("elementId"), ancestor=_ancestor(each),
                variables=_variables(each, found.process_id)) for each in asked.inners("activateInstructions")]
    takes = [Take(key=each.key("elementInstanceKey"), element=_one_of(each, "elementInstanceKey", "elementId"))
             for each in asked.inners("terminateInstructions")]
    moves = [_move(each, found.process_id) for each in asked.inners("moveInstructions")]
    asked_for = {"puts": puts, "takes": takes, "moves": moves}
    at_once.act(acting(), "MODIFY", msgspec.to_builtins(asked_for), found.key, MODIFIED, consent=True)
    return done()


def _move(asked: Body, process_id: str) -> Move:
    source, scope = asked.inner("sourceElementInstruction"), asked.inner("ancestorScopeInstruction")
    kind = scope.text("ancestorScopeType") or INFERRED
    if kind not in (DIRECT, INFERRED, SOURCE_PARENT):
        raise InvalidInput(f"Expected 'ancestorScopeInstruction.ancestorScopeType' to be {DIRECT}, {INFERRED} or "
                           f"{SOURCE_PARENT}, but found {kind!r}.")
    return Move(
        key=source.key("sourceElementInstanceKey"),
        source=_one_of(source, "sourceElementInstanceKey", "sourceElementId"),
        target=asked.required_text("targetElementId"), variables=_variables(asked, process_id),
        ancestor=_ancestor(scope) if kind == DIRECT else None,
    )


def _one_of(asked: Body, by_key: str, by_id: str) -> str | None:
    """The id, where no key is given. Raises InvalidInput if there is neither."""
    return None if asked.key(by_key) is not None else asked.required_text(by_id)


def _ancestor(asked: Body) -> int | None:
    key = asked.key("ancestorElementInstanceKey")
    return None if key == NO_ANCESTOR else key


def _variables(asked: Body, process_id: str) -> dict[str, dict[str, Any]]:
    """Variables by the scope that they are for; those of the process itself are the instance's."""
    found: dict[str, dict[str, Any]] = {}
    for each in asked.inners("variableInstructions"):
        scope = each.text("scopeId") or ""
        found.setdefault("" if scope == process_id else scope, {}).update(each.mapping("variables"))
    return found


@bp.post("/process-instances/<key>/migration")
def migrate(key: str) -> Response:
    """Let an instance go on in another version."""
    asked = body()
    mapping: dict[str, str] = {}
    for each in asked.inners("mappingInstructions"):
        source = each.required_text("sourceElementId")
        if source in mapping:
            raise InvalidInput(f"Expected one mapping for element {source!r}, but there are several.")
        mapping[source] = each.required_text("targetElementId")
    target = key_of(asked.content.get("targetProcessDefinitionKey"), "targetProcessDefinitionKey")
    at_once.act(acting(), "MIGRATE", {"definitionKey": target, "mapping": mapping},
                key_of(key, "processInstanceKey"), MIGRATED, consent=True)
    return done()

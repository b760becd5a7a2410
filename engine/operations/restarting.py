"""Restart: an instance goes on from an element of its past. One that has ended is started anew, a running one is moved.

Source: Camunda 7 manual, "Process Instance Restart". Which effects that may repeat: `engine.queries.repeats`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import RowMapping, bindparam, select

from bpmn.interpreter import Put, Take
from engine import audit, guard, pauses, schema, starting, values
from engine import live as lives
from engine.declared import Declarations
from engine.errors import InvalidInput, WrongState
from engine.operations import modification
from engine.states import InstanceState

if TYPE_CHECKING:
    from engine.transaction import Transaction

_v = schema.variables.c
VARIABLES = select(_v.name, _v.value, _v.declared).where(
    _v.instance_key == bindparam("key"), _v.scope_key == bindparam("key"))


def restart(tx: Transaction, key: int, elements: Sequence[str] = (), *, variables: Mapping[str, Any] | None = None,
            definition_key: int | None = None, reason: str) -> int:
    """Let an instance go on from `elements`; the key of the instance that does.

    A running one loses all its tokens and gets new ones there, its sub-processes around them stay. For one that has
    ended a new one starts there, or at its start event if none is given, with the variables of then, business id and
    tags, in the same definition or in another one (`definition_key`). `variables` are set on top. Audited. Raises
    NotFound; InvalidInput (no reason, unknown elements, none for a running one, or another definition, which is a
    migration); WrongState (it has ended, and another instance had called it).
    """
    why = guard.reason_given(reason, "restart an instance")
    given = values.checked(variables)
    row = lives.locked(tx, key)
    if row["instance_state"] == InstanceState.ACTIVE:
        if definition_key not in (None, row["instance_definition_key"]):
            raise InvalidInput(f"Expected a running instance to stay in its definition, but {definition_key} is "
                               f"another one; migrate it instead.")
        _move_back(tx, key, elements, given, why)
        return key
    return _start_anew(tx, row, elements, given, definition_key, why)


def _move_back(tx: Transaction, key: int, elements: Sequence[str], variables: dict[str, Any], reason: str) -> None:
    if not elements:
        raise InvalidInput("Expected elements to restart a running instance from, but none was given.")
    live = lives.restore(tx, key)
    assert live is not None
    process = live.definition.process
    around: set[str] = set()
    for element in elements:
        scope = process.elements[element].scope if element in process.elements else process.id
        while scope in process.elements:
            around.add(scope)
            scope = process.elements[scope].scope
    takes = [Take(key=token) for token, at in live.run.flow_tokens() if at not in around]
    puts = [Put(element=element, variables={"": variables} if variables else {}) for element in elements]
    modification.modify(tx, key, puts, takes, reason=reason)


def _start_anew(tx: Transaction, row: RowMapping, elements: Sequence[str], variables: dict[str, Any],
                definition_key: int | None, reason: str) -> int:
    key = row["instance_key"]
    if row["instance_parent_key"] is not None:
        raise WrongState(f"Expected an instance that nobody called, but process instance {key} was called by "
                         f"{row['instance_parent_key']}; restart {row['instance_root_key']} instead.")
    definition = tx.definition(definition_key or row["instance_definition_key"])
    if definition.tenant_id != row["instance_tenant_id"]:
        raise InvalidInput(f"Expected a definition of tenant {row['instance_tenant_id']!r}, but it is of "
                           f"{definition.tenant_id!r}.")
    pauses.check(tx, definition)
    then: dict[str, Any] = {}
    said = Declarations()
    for each in tx.select(VARIABLES, {"key": key}):
        then[each.name] = each.value
        if each.declared is not None:
            said.add(each.name, each.value, each.declared)
    tx.declarations = tx.declarations.with_more(said.dump())
    live = starting.start(
        tx, definition, variables=then | variables, elements=elements, business_id=row["instance_business_id"],
        correlation_id=row["instance_correlation_id"], tags=row["instance_tags"],
    )
    details = {"from": str(key), "to": str(live.key), "elements": list(elements)}
    for one in (key, live.key):
        audit.record(tx, "RESTART", "INSTANCE", one, instance_key=one, reason=reason, details=details,
                     before={"state": row["instance_state"], "instance": str(key)},
                     after={"state": InstanceState.ACTIVE, "instance": str(live.key)})
    return live.key

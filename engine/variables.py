"""Variables of an instance, set and removed from outside."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select

from engine import audit, guard, schema, values
from engine import live as lives
from engine.actions import RemoveVariables, SetVariables
from engine.errors import NotFound, WrongState

if TYPE_CHECKING:
    from engine.transaction import Transaction

_e = schema.element_instances.c
_v = schema.variables.c

HELD = select(_v.name, _v.scope_key, _v.value).where(
    _v.instance_key == bindparam("instance_key"), ~_v.ended, _v.name.in_(bindparam("names", expanding=True)))
INSTANCE_OF = select(_e.instance_key, _e.state).where(_e.key == bindparam("key"))


def set(tx: Transaction, scope_key: int, variables: Mapping[str, Any], *, local: bool = False,
        reason: str | None = None) -> None:
    """Set variables as seen from a scope: the key of an instance, or of an active element instance.

    Each variable is changed where it is visible from there, or created at the top; with `local` all are set in that
    very scope. Possible while the instance is suspended. Audited. Raises NotFound, WrongState, InvalidInput.
    """
    content = values.checked(variables)
    instance_key = _instance_of(tx, scope_key)
    audit.record(tx, "SET_VARIABLES", "INSTANCE", instance_key, instance_key=instance_key, reason=reason,
                 details={"scope_key": str(scope_key)}, before=_held(tx, instance_key, scope_key, content, local),
                 after=content)
    tx.resume(instance_key, SetVariables(scope_key, content, local))


def remove(tx: Transaction, scope_key: int, names: Sequence[str], *, local: bool = False,
           reason: str | None = None) -> None:
    """Remove variables as seen from a scope, each where it is visible from there; with `local` from that very scope.

    Those that are not there are passed over. Possible while the instance is suspended. Audited. Raises NotFound,
    WrongState.
    """
    instance_key = _instance_of(tx, scope_key)
    held = _held(tx, instance_key, scope_key, names, local)
    audit.record(tx, "REMOVE_VARIABLES", "INSTANCE", instance_key, instance_key=instance_key, reason=reason,
                 details={"scope_key": str(scope_key), "names": list(names)},
                 before=held, after=dict.fromkeys(held))
    tx.resume(instance_key, RemoveVariables(scope_key, list(names), local))


def _held(tx: Transaction, instance_key: int, scope_key: int, names: Collection[str], local: bool) -> dict[str, Any]:
    """What variables hold as seen from a scope. Those of which only the interpreter knows which one is meant, because
    scopes in between have them, too, are left out."""
    held: dict[str, dict[int, Any]] = {}
    for row in tx.select(HELD, {"instance_key": instance_key, "names": list(names)}):
        held.setdefault(row.name, {})[row.scope_key] = row.value
    found = {}
    for name in names:
        by_scope = held.get(name, {})
        if scope_key in by_scope or local or not by_scope:
            found[name] = by_scope.get(scope_key)
        elif by_scope.keys() == {instance_key}:
            found[name] = by_scope[instance_key]
    return found


def _instance_of(tx: Transaction, scope_key: int) -> int:
    """The active instance that a scope belongs to, locked."""
    element = tx.first(INSTANCE_OF, {"key": scope_key})
    instance_key: int = scope_key if element is None else element.instance_key
    found = tx.first(lives.BY_KEY, {"key": instance_key})
    if found is None:
        raise NotFound(f"Expected to find an instance or element instance with key {scope_key}, but there is none.")
    guard.active(found._mapping)
    if element is not None and element.state != "ACTIVE":
        raise WrongState(f"Expected element instance {scope_key} to be active, but it is {element.state.lower()}.")
    tx.instance_rows[instance_key] = found._mapping
    return instance_key

"""Shows a single value that is hidden (`engine.masking`), and says in the audit trail who saw it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select

from engine import audit, schema
from engine.errors import NotFound

if TYPE_CHECKING:
    from engine.transaction import Transaction

_v = schema.variables.c
VARIABLE = select(_v.value).where(
    _v.instance_key == bindparam("instance_key"), _v.scope_key == bindparam("scope_key"), _v.name == bindparam("name"))


def variable(tx: Transaction, instance_key: int, name: str, scope_key: int | None = None,
             reason: str | None = None) -> Any:
    """What a variable holds, whatever is hidden in it. Audited. Raises NotFound."""
    scope = instance_key if scope_key is None else scope_key
    found = tx.first(VARIABLE, {"instance_key": instance_key, "scope_key": scope, "name": name})
    if found is None:
        raise NotFound(f"Expected a variable {name[:60]!r} in the scope {scope} of instance {instance_key}, but there "
                       "is none.")
    audit.record(tx, "REVEAL", "INSTANCE", instance_key, instance_key=instance_key, reason=reason,
                 details={"variable": name, "scope_key": str(scope)})
    return found.value

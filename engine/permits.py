"""What a command may act on that finds it by itself: by the id of a definition, a name, a filter.

What is named by a key in the address of a request was looked up before the command runs (`web.auth.authorizing`).
Commands of the engine itself, and those of its machine, may act on everything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, and_, bindparam, false, func, or_, select, true

from engine import schema
from engine.errors import NotAllowed, NotFound
from engine.sight import ANY, Area

if TYPE_CHECKING:
    from engine.transaction import Transaction


_i = schema.instances.c
OF_INSTANCE = select(_i.process_id, _i.tenant_id).where(_i.key == bindparam("key"))


def check(tx: Transaction, verb: str, definition_id: str, tenant_id: str, missing: str) -> None:
    """Refuse to act on a process, decision or form that the caller may not act on.

    Arguments: `verb` is what is wanted, such as "start"; `missing` is what is said of one that does not exist, for the
    caller may not even see it. Raises NotAllowed, NotFound.
    """
    if tx.allowed is None or tx.allowed.has(definition_id, tenant_id):
        return
    if tx.seen is not None and not tx.seen.has(definition_id, tenant_id):
        raise NotFound(missing)
    raise NotAllowed(f"Expected to be allowed to {verb} {definition_id!r}, but that is not among the permissions of "
                     f"{tx.actor!r}.")


def check_new(tx: Transaction, definition_id: str, tenant_id: str) -> None:
    """Refuse to deploy what the caller may not: it may be the first of that id. Raises NotAllowed."""
    if not may(tx, definition_id, tenant_id):
        raise NotAllowed(f"Expected to be allowed to deploy {definition_id!r} in tenant {tenant_id!r}, but that is not "
                         f"among the permissions of {tx.actor!r}.")


def check_tenant(tx: Transaction, verb: str, tenant_id: str) -> None:
    """Refuse to act on all of a tenant, such as by a message, which goes to whoever waits. Raises NotAllowed."""
    if tx.allowed is not None and not tx.allowed.has_all_of(tenant_id):
        raise NotAllowed(f"Expected to be allowed to {verb} all processes of tenant {tenant_id!r}, which may get it, "
                         f"but that is not among the permissions of {tx.actor!r}.")


def check_definition(tx: Transaction, verb: str, key: int) -> None:
    """`check` for the key of a process definition. Raises NotFound, NotAllowed."""
    if tx.allowed is not None:
        definition = tx.definition(key)
        check(tx, verb, definition.process_id, definition.tenant_id,
              f"Expected to find a process definition with key {key}, but there is none.")


def check_instance(tx: Transaction, verb: str, key: int) -> None:
    """`check` for the key of a process instance; one that does not exist is for others to refuse."""
    if tx.allowed is not None and (row := tx.first(OF_INSTANCE, {"key": key})) is not None:
        check(tx, verb, row.process_id, row.tenant_id,
              f"Expected to find a process instance with key {key}, but there is none.")


def may(tx: Transaction, definition_id: str, tenant_id: str) -> bool:
    """Whether the caller may act on a definition."""
    return tx.allowed is None or tx.allowed.has(definition_id, tenant_id)


def among(tx: Transaction, definition_id: ColumnElement[str], tenant_id: ColumnElement[str],
          ) -> list[ColumnElement[bool]]:
    """The conditions on rows that leave those only on which the caller may act; none where that is all."""
    if tx.allowed is None:
        return []
    return [or_(false(), *(_of(area, definition_id, tenant_id) for area in tx.allowed.areas))]


def _of(area: Area, definition_id: ColumnElement[str], tenant_id: ColumnElement[str]) -> ColumnElement[bool]:
    tenants = true() if ANY in area.tenants else tenant_id.in_(area.tenants)
    if ANY in area.patterns:
        return tenants
    exact = [each for each in area.patterns if not each.endswith(ANY)]
    begins = [func.substr(definition_id, 1, len(each) - 1) == each[:-1] for each in area.patterns
              if each.endswith(ANY)]
    return and_(tenants, or_(definition_id.in_(exact), *begins))

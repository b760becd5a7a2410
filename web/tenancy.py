"""Which tenant a request is about, and those that its caller may use."""

from __future__ import annotations

from collections.abc import Collection

from engine import tenants
from engine.errors import NotFound
from engine.schema import DEFAULT_TENANT
from web.answers import engine
from web.auth.identity import current
from web.auth.roles import Permission


def several() -> bool:
    """Whether there are tenants beside the default one, so that it matters which one something belongs to."""
    return engine().tenants.several


def usable(permission: Permission = Permission.READ) -> tuple[str, ...] | None:
    """The tenants that the caller may do this in; None: all there are."""
    identity = current()
    found = identity.tenants(permission) if identity else None
    return None if found is None else tuple(sorted(found))


def named(name: str | None, permission: Permission) -> str:
    """The tenant that a request names. One that names none means the default tenant; a caller who may use one other
    tenant only means that."""
    if name:
        return name
    allowed = usable(permission)
    return allowed[0] if allowed is not None and len(allowed) == 1 else DEFAULT_TENANT


def asked_for(names: Collection[str] | None, permission: Permission = Permission.JOBS) -> list[str] | None:
    """The tenants that a request names, or all that its caller may use; None: all there are, or the only one.

    Raises NotFound for one that there is not, and for one that the caller may not use.
    """
    allowed = usable(permission)
    for name in names or ():
        if allowed is not None and name not in allowed:
            raise NotFound(tenants.missing(name))
        if name not in engine().tenants.ids:
            tenants.get(engine(), name)
    if not several() and allowed is None:
        return None
    return sorted(set(names)) if names else None if allowed is None else list(allowed)

"""Tenants: there is one, which clients name in most of what they send."""

from __future__ import annotations

from engine.errors import InvalidInput
from engine.schema import DEFAULT_TENANT


def the_tenant(name: str | None) -> str:
    """The tenant of a request. Raises InvalidInput for any but the default one."""
    if name and name != DEFAULT_TENANT:
        raise InvalidInput(f"Expected the tenant {DEFAULT_TENANT!r}, because there is no other, but found {name!r}.")
    return DEFAULT_TENANT

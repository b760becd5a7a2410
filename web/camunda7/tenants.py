"""Tenants: there is one, which has no name here."""

from __future__ import annotations

from engine.errors import InvalidInput
from engine.schema import DEFAULT_TENANT
from web.body import Body


def only_the_default(tenant_id: str | None) -> None:
    """Raises InvalidInput if a request is about another tenant."""
    if tenant_id and tenant_id != DEFAULT_TENANT:
        raise InvalidInput(f"Expected no tenant, because there is only the default one, but found {tenant_id!r}.")


def check(asked: Body) -> None:
    """Check the tenant that a body names. Raises InvalidInput."""
    only_the_default(asked.text("tenantId"))

"""Tenants: those that clients name, and the list of them. The default tenant has no name here: it is none.

Source: Camunda 7 manual, "Multi-Tenancy"; REST reference, "Tenant".
"""

from __future__ import annotations

from typing import Any

from flask import Response

from engine import tenants
from engine.errors import InvalidInput, NotFound
from engine.queries.criteria import Criterion
from engine.queries.tenants import TENANTS
from engine.schema import DEFAULT_TENANT
from engine.tenants import Tenant
from web import tenancy
from web.auth.roles import Permission
from web.body import Body
from web.camunda7.blueprint import answer, bp, engine
from web.camunda7.listing import Kind, serve
from web.camunda7.parameters import field, like


def of_path(tenant_id: str | None, permission: Permission = Permission.READ) -> str:
    """The tenant of an address: behind `tenant-id`, or none."""
    return tenancy.named(tenant_id, permission)


def of_body(asked: Body, permission: Permission) -> str:
    """The tenant that a body names. Raises InvalidInput for one that says two things."""
    named = asked.text("tenantId")
    if asked.flag("withoutTenantId"):
        if named:
            raise InvalidInput("Expected 'tenantId' or 'withoutTenantId', but found both.")
        return DEFAULT_TENANT
    return tenancy.named(named, permission)


def _written(found: Tenant) -> dict[str, Any]:
    return {"id": found.id, "name": found.name}


class Tenants(Kind):
    """Only those are listed that the caller sees."""

    def listed(self, *more: Criterion) -> Response:
        return Kind.listed(self, *more, *_seen())

    def counted(self, *more: Criterion) -> Response:
        return Kind.counted(self, *more, *_seen())


def _seen() -> list[Criterion]:
    ids = tenancy.usable()
    return [] if ids is None else [Criterion("id", "in", list(ids))]


KIND = Tenants(
    what=TENANTS, write=_written, always=[Criterion("id", "neq", DEFAULT_TENANT)],
    parameters={"id": field("id"), "name": field("name"), "nameLike": like("name")},
    sorts={"id": "id", "name": "name"},
)
serve("/tenant", KIND, by_post=False)


@bp.get("/tenant/<tenant_id>")
def get_tenant(tenant_id: str) -> Response:
    """One tenant."""
    ids = tenancy.usable()
    if tenant_id == DEFAULT_TENANT or (ids is not None and tenant_id not in ids):
        raise NotFound(tenants.missing(tenant_id))
    return answer(_written(tenants.get(engine(), tenant_id)))

"""Tenants: those that clients name in most of what they send, and the list of them.

Source: Camunda 8 docs, "Orchestration Cluster REST API", `tenantId` of each request, "Search tenants", "Get tenant".
"""

from __future__ import annotations

from typing import Any

from flask import Response

from engine import tenants
from engine.errors import NotFound
from engine.queries.criteria import Criterion
from engine.queries.tenants import TENANTS
from engine.tenants import Tenant
from web import tenancy
from web.auth.roles import Permission
from web.camunda8.blueprint import answer, bp, engine
from web.camunda8.searching import Field, Kind


def the_tenant(name: str | None, permission: Permission) -> str:
    """The tenant of a request that makes something, such as a deployment or a message."""
    return tenancy.named(name, permission)


def check_same(wanted: str | None, found: str, noun: str, key: int) -> None:
    """What a request names by its key is of the tenant that it names; raises NotFound."""
    if wanted and wanted != found:
        raise NotFound(f"Expected to find {noun} with key {key} in tenant {wanted!r}, but there is none.")


def written(found: Tenant) -> dict[str, Any]:
    """A tenant as clients read it."""
    return {"name": found.name, "tenantId": found.id, "description": found.description}


def usable() -> list[Tenant]:
    """The tenants that the caller sees."""
    ids = tenancy.usable()
    return [tenant for tenant in tenants.all_of_them(engine()) if ids is None or tenant.id in ids]


KIND = Kind(
    what=TENANTS, write=written, noun="a tenant", key="tenantId",
    fields={"tenantId": Field("id"), "name": Field("name")},
)


@bp.post("/tenants/search")
def search_tenants() -> Response:
    """Tenants that fit, of those that the caller may use."""
    ids = tenancy.usable()
    return KIND.search(*([] if ids is None else [Criterion("id", "in", list(ids))]))


@bp.get("/tenants/<tenant_id>")
def get_tenant(tenant_id: str) -> Response:
    """One tenant."""
    ids = tenancy.usable()
    if ids is not None and tenant_id not in ids:
        raise NotFound(tenants.missing(tenant_id))
    return answer(written(tenants.get(engine(), tenant_id)))
